// Reads the axes of a study file.
#include "engine/ablate/design.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {
namespace {

/// The vocabulary of one axis.
struct AxisOptions {
  std::string path, when;
  ConfigNode values, levels, standard;
  void bind(OptionBinder& o) {
    o.field("path", path, "What `values` are put in, such as model.prompter.queries");
    o.field("values", values, "The values to try");
    o.field("levels", levels, "Instead: {LEVEL: {path: value, ...}}, where several settings move together");
    o.field("default", standard, "The level or value that the baseline has");
    o.field("when", when, "The axis exists only where this condition holds");
  }
};

/// What of a value can stand in a folder's name: "0.5", "lora", "4x96x96".
std::string level_text(const ConfigNode& value) {
  std::string words;
  for (const char c : value.is_string() ? value.as_text() : value.dump()) {
    if (std::string_view("[]{}\" ").find(c) != std::string_view::npos) continue;
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || std::string_view("._+-").find(c) != std::string_view::npos;
    words += plain ? c : c == ',' ? 'x' : '_';
  }
  return words;
}

ConfigNode name_node(const std::string& name) {
  ConfigNode holder = ConfigNode::object();
  holder.set("name", name);
  return holder.at("name");
}

std::vector<AxisLevel> levels_of(const AxisOptions& options, const std::string& axis, const std::string& where,
                                 OptionErrors& errors) {
  std::vector<AxisLevel> levels;
  if (options.levels.is_object()) {
    for (const auto& name : options.levels.keys()) {
      const std::string origin = text("level ", axis, "=", name);
      levels.push_back(
          {name, name_node(name), overrides_of(options.levels.at(name), where + ".levels." + name, origin, errors)});
    }
    return levels;
  }
  for (size_t i = 0; options.values.is_array() && i < options.values.size(); ++i) {
    const ConfigNode value = options.values.at(i);
    const std::string name = level_text(value);
    levels.push_back({name, value, {{options.path, value, false, text("level ", axis, "=", name)}}});
  }
  return levels;
}

void check_form(const AxisOptions& options, const std::string& where, OptionErrors& errors) {
  const bool by_values = !options.values.is_null() || !options.path.empty(), by_levels = !options.levels.is_null();
  if (by_values == by_levels) {
    errors.add(where, R"(expected either {"path": .., "values": [..]} or {"levels": {NAME: {path: value}}})");
  } else if (by_levels && !options.levels.is_object()) {
    errors.add(where + ".levels", "expected an object, got " + options.levels.type_name());
  } else if (by_values && (!options.values.is_array() || options.path.empty())) {
    errors.add(where, "expected a path and a list of values");
  }
}

size_t standard_of(const ConfigNode& wanted, const std::vector<AxisLevel>& levels, const std::string& where,
                   OptionErrors& errors) {
  std::vector<std::string> names;
  for (size_t i = 0; i < levels.size(); ++i) {
    const bool equal_numbers =
        wanted.is_number() && levels[i].value.is_number() && wanted.as_number() == levels[i].value.as_number();
    if (levels[i].value == wanted || equal_numbers) return i;
    names.push_back(levels[i].name);
  }
  const std::string got = wanted.is_null() ? "nothing" : wanted.dump();
  errors.add(where + ".default", text("expected the level that the baseline has, one of ", join(names), "; got ", got));
  return 0;
}

DesignAxis read_axis(const std::string& name, const ConfigNode& node, OptionErrors& errors) {
  const std::string where = "axes." + name;
  AxisOptions options;
  parse_options(options, node, where, errors);
  check_form(options, where, errors);
  DesignAxis axis{name, levels_of(options, name, where, errors), 0, {}};
  if (axis.levels.empty()) {
    errors.add(where, "has no level");
  } else {
    axis.standard = standard_of(options.standard, axis.levels, where, errors);
  }
  if (options.when.empty()) return axis;
  try {
    axis.when.emplace(options.when);
  } catch (const ConfigError& error) {
    errors.add(where + ".when", error.what());
  }
  return axis;
}

/// A word without a dot must be an axis or `fold`; else it is a slip of the pen.
void check_names(const Condition& condition, const std::vector<DesignAxis>& axes, const std::string& where,
                 OptionErrors& errors) {
  std::vector<std::string> known{"fold"};
  for (const auto& axis : axes) known.push_back(axis.name);
  for (const auto& name : condition.names()) {
    if (name.find('.') != std::string::npos || std::find(known.begin(), known.end(), name) != known.end()) continue;
    errors.add(where, text("'", name, "' is no axis", did_you_mean(name, known), "; known: ", join(known),
                           ", and settings by their dotted paths"));
  }
}

}  // namespace

std::vector<OptionDoc> axis_options() { return describe_options<AxisOptions>(); }

void DesignSection::bind(OptionBinder& o) {
  o.field("type", type, "How levels are combined",
          OneOf{"one_factor", "grid", "leave_one_out", "add_one_in", "paired", "list", "random"});
  o.field("order", order, "Axes in the order in which they are taken; the others follow by name");
  o.field("pairs", pairs, "paired: [[{axis: level}, {axis: level}], ...]; the second is compared with the first");
  o.field("n", n, "random: how many arms beside the baseline", AtLeast{1});
  o.field("seed", seed, "random: of the draw");
}

std::vector<Override> overrides_of(const ConfigNode& set, const std::string& where, const std::string& origin,
                                   OptionErrors& errors) {
  std::vector<Override> overrides;
  if (set.is_null()) return overrides;
  if (!set.is_object()) {
    errors.add(where, "expected an object of path: value pairs, got " + set.type_name());
    return overrides;
  }
  for (const auto& key : set.keys()) {
    const bool erase = key.starts_with("~");
    if (erase && !set.at(key).is_null()) errors.add(where + "." + key, "'~path' deletes and takes null");
    overrides.push_back({erase ? key.substr(1) : key, set.at(key), erase, origin});
  }
  return overrides;
}

std::vector<DesignAxis> read_axes(const ConfigNode& node, const std::vector<std::string>& order, OptionErrors& errors) {
  if (node.is_null()) return {};
  if (!node.is_object()) {
    errors.add("axes", "expected an object {NAME: axis}, got " + node.type_name());
    return {};
  }
  std::vector<std::string> names = order;
  for (const auto& name : node.keys()) {
    if (std::find(order.begin(), order.end(), name) == order.end()) names.push_back(name);
  }
  std::vector<DesignAxis> axes;
  for (const auto& name : names) {
    if (node.contains(name)) {
      axes.push_back(read_axis(name, node.at(name), errors));
    } else {
      errors.add("design.order", text("there is no axis '", name, "'", did_you_mean(name, node.keys())));
    }
  }
  for (const auto& axis : axes) {
    if (axis.when) check_names(*axis.when, axes, "axes." + axis.name + ".when", errors);
  }
  return axes;
}

std::vector<Condition> read_constraints(const std::vector<std::string>& words, const std::vector<DesignAxis>& axes,
                                        OptionErrors& errors) {
  std::vector<Condition> constraints;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string where = text("constraints[", i, "]");
    try {
      constraints.emplace_back(words[i]);
      check_names(constraints.back(), axes, where, errors);
    } catch (const ConfigError& error) {
      errors.add(where, error.what());
    }
  }
  return constraints;
}

}  // namespace lamina::engine
