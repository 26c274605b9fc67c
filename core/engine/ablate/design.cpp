// Expands designs into arms.
#include "engine/ablate/design.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <set>

namespace lamina::engine {
namespace {

using Setting = std::vector<size_t>;  // a level for every axis, whether the axis exists there or not

/// Which axes exist in a setting, and what names mean there.
class SettingView {
 public:
  SettingView(const DesignQuestion& question, const Setting& setting, const SettingAt& setting_at)
      : question_(question),
        axes_(question.axes),
        setting_(setting),
        setting_at_(setting_at),
        known_(axes_.size(), Known::No) {}

  bool exists(size_t axis) {
    if (!axes_[axis].when || known_[axis] == Known::There) return true;
    if (known_[axis] == Known::Gone) return false;
    if (known_[axis] == Known::Asked) {
      throw ConfigError(
          text("the axes' `when` conditions ask for each other in a circle, by way of '", axes_[axis].name, "'"));
    }
    known_[axis] = Known::Asked;
    const bool there = holds(*axes_[axis].when);
    known_[axis] = there ? Known::There : Known::Gone;
    return there;
  }

  bool holds(const Condition& condition) {
    return condition.holds([this](const std::string& name) { return value_of(name); });
  }

  /// Changes of the axes without `when` first: the others may build on them.
  std::vector<Override> overrides() {
    std::vector<Override> all = unconditional();
    for (size_t axis = 0; axis < axes_.size(); ++axis) {
      if (axes_[axis].when && moved(axis) && exists(axis)) append(all, axis);
    }
    return all;
  }

  /// "adapter=lora,lora_rank=4"; "" where every axis has the baseline's level.
  std::string name() {
    std::vector<std::string> parts;
    for (const bool conditional : {false, true}) {
      for (size_t axis = 0; axis < axes_.size(); ++axis) {
        if (axes_[axis].when.has_value() != conditional || !moved(axis) || !exists(axis)) continue;
        parts.push_back(axes_[axis].name + "=" + axes_[axis].levels[setting_[axis]].name);
      }
    }
    return join(parts, ",");
  }

  DesignArm arm(const std::string& name_or_own) {
    const std::string own = name();
    DesignArm made{!name_or_own.empty() ? name_or_own
                   : own.empty()        ? question_.baseline_name
                                        : own,
                   "",
                   {},
                   overrides()};
    for (size_t axis = 0; axis < axes_.size(); ++axis) {
      if (exists(axis)) made.levels[axes_[axis].name] = setting_[axis];
    }
    return made;
  }

 private:
  enum class Known { No, Asked, There, Gone };

  bool moved(size_t axis) const { return setting_[axis] != axes_[axis].standard; }

  void append(std::vector<Override>& all, size_t axis) const {
    const auto& more = axes_[axis].levels[setting_[axis]].overrides;
    all.insert(all.end(), more.begin(), more.end());
  }

  std::vector<Override> unconditional() const {
    std::vector<Override> all;
    for (size_t axis = 0; axis < axes_.size(); ++axis) {
      if (!axes_[axis].when && moved(axis)) append(all, axis);
    }
    return all;
  }

  ConfigNode value_of(const std::string& name) {
    for (size_t axis = 0; axis < axes_.size(); ++axis) {
      if (axes_[axis].name != name) continue;
      return exists(axis) ? axes_[axis].levels[setting_[axis]].value : ConfigNode();
    }
    if (name != "fold") return setting_at_(unconditional(), name);
    return question_.fold ? ConfigNode::parse(std::to_string(*question_.fold)) : ConfigNode();
  }

  const DesignQuestion& question_;
  const std::vector<DesignAxis>& axes_;
  const Setting& setting_;
  const SettingAt& setting_at_;
  std::vector<Known> known_;
};

class Designer {
 public:
  Designer(const DesignQuestion& question, const SettingAt& setting_at)
      : question_(question), axes_(question.axes), setting_at_(setting_at) {
    for (const auto& axis : axes_) standard_.push_back(axis.standard);
  }

  ExpandedDesign expand() {
    const std::string& type = question_.design.type;
    if (type == "grid") grid();
    if (type == "one_factor") one_factor();
    if (type == "leave_one_out") leave_one_out();
    if (type == "add_one_in") add_one_in();
    if (type == "paired") paired();
    if (type == "random") random();
    if (type == "list" || axes_.empty()) add(standard_);
    if (made_.arms.empty() || first_dropped_) {
      const std::string reason = made_.dropped.empty() ? "there is none" : made_.dropped.front().reason;
      throw ConfigError("the design drops the arm that all others are compared with: " + reason);
    }
    return std::move(made_);
  }

 private:
  SettingView view(const Setting& setting) const { return {question_, setting, setting_at_}; }

  /// Adds an arm unless it is there already or a constraint forbids it.
  void add(const Setting& setting, const std::string& name = "", const std::string& against = "") {
    SettingView here = view(setting);
    DesignArm arm = here.arm(name);
    arm.against = against;
    if (!seen_.insert(arm.name).second) return;
    for (const auto& constraint : question_.constraints) {
      if (here.holds(constraint)) continue;
      first_dropped_ |= made_.arms.empty();
      made_.dropped.push_back({arm.name, "the constraint \"" + constraint.words() + "\" forbids it"});
      return;
    }
    made_.arms.push_back(std::move(arm));
  }

  /// The baseline, then every other level of every axis alone; an axis that exists only elsewhere is visited on top of
  /// the first single level that lets it exist.
  void one_factor() {
    add(standard_);
    std::vector<Setting> singles{standard_};
    for (size_t axis = 0; axis < axes_.size(); ++axis) {
      const auto levels = other_levels(axis);
      const auto under =
          std::find_if(singles.begin(), singles.end(), [&](const Setting& s) { return view(s).exists(axis); });
      const Setting base = under != singles.end() ? *under : later_single(axis);
      for (const size_t level : levels) {
        if (base.empty()) {
          made_.dropped.push_back({axes_[axis].name + "=" + axes_[axis].levels[level].name,
                                   "no single level lets this axis exist: \"" + axes_[axis].when->words() + "\""});
          continue;
        }
        Setting setting = base;
        setting[axis] = level;
        add(setting);
        singles.push_back(setting);
      }
    }
  }

  std::vector<size_t> other_levels(size_t axis) const {
    std::vector<size_t> levels;
    for (size_t level = 0; level < axes_[axis].levels.size(); ++level) {
      if (level != axes_[axis].standard) levels.push_back(level);
    }
    return levels;
  }

  /// A single level of an axis that comes later in the order; none: empty.
  Setting later_single(size_t wanted) const {
    for (size_t axis = wanted + 1; axis < axes_.size(); ++axis) {
      for (const size_t level : other_levels(axis)) {
        Setting setting = standard_;
        setting[axis] = level;
        if (view(setting).exists(axis) && view(setting).exists(wanted)) return setting;
      }
    }
    return {};
  }

  void grid() {
    add(standard_);
    Setting setting(axes_.size(), 0);
    do {
      add(setting);
    } while (next(setting));
  }

  /// Counts up, the last axis fastest; false after the last.
  bool next(Setting& setting) const {
    for (size_t axis = axes_.size(); axis-- > 0;) {
      if (++setting[axis] < axes_[axis].levels.size()) return true;
      setting[axis] = 0;
    }
    return false;
  }

  void random() {
    add(standard_);
    Random draw(static_cast<uint64_t>(question_.design.seed), {hash_name("design")});
    const size_t wanted = static_cast<size_t>(question_.design.n) + 1;
    for (int64_t tries = 0; made_.arms.size() < wanted && tries < 1000 * question_.design.n; ++tries) {
      Setting setting;
      for (const auto& axis : axes_) {
        setting.push_back(static_cast<size_t>(draw.integer(0, static_cast<int64_t>(axis.levels.size()) - 1)));
      }
      add(setting);
    }
  }

  /// The level called "on" or "off" (or true or false) of every axis.
  Setting all(bool on) const {
    Setting setting;
    for (const auto& axis : axes_) {
      const auto found = std::find_if(axis.levels.begin(), axis.levels.end(), [&](const AxisLevel& level) {
        return level.name == (on ? "on" : "off") || level.name == (on ? "true" : "false");
      });
      if (found == axis.levels.end()) {
        throw ConfigError(text("design.type: ", question_.design.type, " switches axes on and off, and the axis '",
                               axis.name, "' has no level '", on ? "on" : "off", "'"));
      }
      setting.push_back(static_cast<size_t>(found - axis.levels.begin()));
    }
    return setting;
  }

  void leave_one_out() {
    const Setting on = all(true), off = all(false);
    add(on, on == standard_ ? "" : "all");
    for (size_t axis = 0; axis < axes_.size(); ++axis) {
      Setting setting = on;
      setting[axis] = off[axis];
      add(setting, "without_" + axes_[axis].name);
    }
  }

  void add_one_in() {
    const Setting on = all(true);
    Setting setting = all(false);
    add(setting, setting == standard_ ? "" : "none");
    std::string name;
    for (size_t axis = 0; axis < axes_.size(); ++axis) {
      setting[axis] = on[axis];
      name += (name.empty() ? "" : "+") + axes_[axis].name;
      add(setting, name);
    }
  }

  void paired() {
    const ConfigNode& pairs = question_.design.pairs;
    if (!pairs.is_array() || pairs.size() == 0) {
      throw ConfigError(R"(design.pairs: paired needs [[{axis: level}, {axis: level}], ...], {} for the baseline)");
    }
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (!pairs.at(i).is_array() || pairs.at(i).size() != 2) {
        throw ConfigError(text("design.pairs[", i, "]: expected two arms"));
      }
      const Setting first = setting_of(pairs.at(i).at(0), i), second = setting_of(pairs.at(i).at(1), i);
      const std::string reference = view(first).arm("").name;
      add(first, "", i == 0 ? "" : reference);  // compared with nothing
      add(second, "", reference);
    }
  }

  Setting setting_of(const ConfigNode& node, size_t pair) const {
    const std::string where = text("design.pairs[", pair, "]: ");
    if (!node.is_object()) throw ConfigError(where + "expected {axis: level}, got " + node.type_name());
    Setting setting = standard_;
    for (const auto& key : node.keys()) {
      const auto axis =
          std::find_if(axes_.begin(), axes_.end(), [&](const DesignAxis& one) { return one.name == key; });
      if (axis == axes_.end()) throw ConfigError(text(where, "there is no axis '", key, "'"));
      const ConfigNode wanted = node.at(key);
      const auto level = std::find_if(axis->levels.begin(), axis->levels.end(), [&](const AxisLevel& one) {
        return one.value == wanted || (wanted.is_string() && one.name == wanted.as_text());
      });
      if (level == axis->levels.end())
        throw ConfigError(text(where, "the axis '", key, "' has no level ", wanted.dump()));
      setting[static_cast<size_t>(axis - axes_.begin())] = static_cast<size_t>(level - axis->levels.begin());
    }
    return setting;
  }

  const DesignQuestion& question_;
  const std::vector<DesignAxis>& axes_;
  const SettingAt& setting_at_;
  Setting standard_;
  std::set<std::string> seen_;
  bool first_dropped_ = false;
  ExpandedDesign made_;
};

}  // namespace

ExpandedDesign expand_design(const DesignQuestion& question, const SettingAt& setting_at) {
  return Designer(question, setting_at).expand();
}

ConfigNode dropped_node(const std::vector<DroppedArm>& dropped) {
  ConfigNode list = ConfigNode::array();
  for (const auto& one : dropped) {
    ConfigNode entry = ConfigNode::object();
    entry.set("name", one.name);
    entry.set("reason", one.reason);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace lamina::engine
