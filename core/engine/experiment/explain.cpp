// Where values come from, and how two experiments differ.
#include "engine/experiment/inspect.hpp"
#include "engine/experiment/path.hpp"
#include "engine/experiment/traced.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>

namespace lamina::engine {

namespace {

using Origins = std::map<std::string, std::string>;

/// Settings seen along one path: the value, its documentation and its address.
struct Spot {
  const Traced* value;
  std::string address;
  std::vector<OptionDoc> options;  // of the object here
  std::string kind;                // of the component, or of the list's components, here
  std::optional<OptionDoc> doc;
};

[[noreturn]] void refuse(const Spot& at, const std::string& key) {
  std::vector<std::string> known;
  if (at.value->is_object()) {
    for (const auto& [name, member] : at.value->members) known.push_back(name);
  }
  for (const Traced& item : at.value->items) known.push_back(item.entry_name());
  throw ConfigError(text("nothing stands at '", key, "' in ", at.address.empty() ? "the file" : "'" + at.address + "'",
                         did_you_mean(key, known), known.empty() ? "" : "; there are: " + join(known)));
}

Spot into_entry(const Spot& at, const std::string& key, const Registry& registry) {
  const std::optional<size_t> index = entry_index(*at.value, key);
  if (!index) refuse(at, key);
  Spot next{&at.value->items[*index], at.address + entry_address(*at.value, *index), {}, at.kind, {}};
  const std::string type = next.value->text_at("type");
  if (!at.kind.empty() && !type.empty()) next.options = registry.find(at.kind, type, next.address).describe();
  return next;
}

Spot into_member(const Spot& at, const std::string& key, const Registry& registry) {
  if (!at.value->has(key)) refuse(at, key);
  Spot next{&at.value->members.at(key), join_path(at.address, key), {}, "", {}};
  const auto doc =
      std::find_if(at.options.begin(), at.options.end(), [&](const OptionDoc& one) { return one.name == key; });
  if (doc == at.options.end()) return next;
  next.doc = *doc;
  next.kind = doc->component_kind;
  if (doc->type == OptionType::Group) next.options = doc->members;
  const std::string type = next.value->text_at("type");
  if (doc->type == OptionType::Component && !type.empty())
    next.options = registry.find(next.kind, type, next.address).describe();
  return next;
}

/// Who set the value at `path`: itself, or the list or object it was set with.
std::string origin_of(const Origins& origins, const std::string& path) {
  const auto exact = origins.find(path);
  return exact == origins.end() ? "default" : exact->second;
}

std::string one_value(const Spot& spot, const Origins& origins) {
  std::string lines =
      text(spot.address, " = ", spot.value->node().dump(), "\n  set by:   ", origin_of(origins, spot.address), "\n");
  if (!spot.doc) return lines;
  lines += text("  meaning:  ", spot.doc->help, "\n  expected: ", expectation(*spot.doc), "\n");
  if (!spot.doc->default_value.is_null()) lines += text("  default:  ", spot.doc->default_value.dump(), "\n");
  return lines;
}

}  // namespace

std::string explain(const Experiment& experiment, const std::string& path, const Registry& registry) {
  return explain({experiment.resolved(), experiment.provenance(), describe_options<ExperimentOptions>()}, path,
                 registry);
}

std::string explain(const Settings& settings, const std::string& path, const Registry& registry) {
  const Traced root = Traced::from(settings.resolved, "");
  const Origins& origins = settings.origins;
  if (path.empty()) {
    std::string lines;
    for (const auto& [address, value] : values_of(root))
      lines += text(address, " = ", value, "  # ", origin_of(origins, address), "\n");
    return lines;
  }
  Spot spot{&root, "", settings.options, "", {}};
  for (const PathStep& step : parse_path(path)) {
    spot = step.entry ? into_entry(spot, step.key, registry) : into_member(spot, step.key, registry);
  }
  if (!spot.value->is_object()) return one_value(spot, origins);
  std::string lines = spot.doc ? text(spot.address, ": ", spot.doc->help, "\n") : text(spot.address, "\n");
  for (const auto& [address, value] : values_of(*spot.value)) {
    const std::string full = join_path(spot.address, address);
    lines += text("  ", full, " = ", value, "  # ", origin_of(origins, full), "\n");
  }
  return lines;
}

std::vector<Difference> diff(const Experiment& left, const Experiment& right) {
  return diff(left.resolved(), right.resolved());
}

std::vector<Difference> diff(const ConfigNode& left, const ConfigNode& right) {
  const auto a = values_of(Traced::from(left, "")), b = values_of(Traced::from(right, ""));
  std::map<std::string, Difference> differences;
  for (const auto& [path, value] : a) {
    const auto other = b.find(path);
    if (other == b.end() || other->second != value)
      differences[path] = {path, value, other == b.end() ? "" : other->second};
  }
  for (const auto& [path, value] : b) {
    if (a.count(path) == 0) differences[path] = {path, "", value};
  }
  std::vector<Difference> list;
  for (const auto& [path, difference] : differences) list.push_back(difference);
  return list;
}

std::vector<Difference> changed_settings(const ConfigNode& left, const ConfigNode& right) {
  auto changes = diff(left, right);
  std::erase_if(changes, [](const Difference& change) { return change.path == "name"; });
  return changes;
}

}  // namespace lamina::engine
