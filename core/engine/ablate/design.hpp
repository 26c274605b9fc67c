// From axes and a design to arms: which combinations of levels a study runs.
#pragma once

#include "engine/ablate/condition.hpp"
#include "engine/experiment/experiment.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

struct AxisLevel {
  std::string name;                 // the level's, or the value as text
  ConfigNode value;                 // what conditions compare: the level's name, or the value itself
  std::vector<Override> overrides;  // what it changes
};

struct DesignAxis {
  std::string name;
  std::vector<AxisLevel> levels;
  size_t standard = 0;            // the level the baseline has
  std::optional<Condition> when;  // the axis exists only where this holds
};

/// The vocabulary of "design".
struct DesignSection {
  std::string type = "one_factor";
  std::vector<std::string> order;  // axes, where their order matters
  ConfigNode pairs;                // of `paired`: [[{axis: level}, {axis: level}], ...]
  int64_t n = 10, seed = 1;        // of `random`
  void bind(OptionBinder& o);
};

/// Reads "axes": {NAME: {"path", "values"} or {"levels"}, "default", "when"}; `order` comes first, the rest by name.
std::vector<DesignAxis> read_axes(const ConfigNode& node, const std::vector<std::string>& order, OptionErrors& errors);
/// The vocabulary of an axis.
std::vector<OptionDoc> axis_options();
std::vector<Condition> read_constraints(const std::vector<std::string>& words, const std::vector<DesignAxis>& axes,
                                        OptionErrors& errors);
/// "path": value pairs as overrides; "~path": null deletes.
std::vector<Override> overrides_of(const ConfigNode& set, const std::string& where, const std::string& origin,
                                   OptionErrors& errors);

/// One arm of a design: a level of every axis that exists in it.
struct DesignArm {
  std::string name, against;             // `against`: the arm it is compared with; "" for the study's baseline
  std::map<std::string, size_t> levels;  // axis -> level; axes whose `when` does not hold are missing
  std::vector<Override> overrides;
};

struct DroppedArm {
  std::string name, reason;
};
ConfigNode dropped_node(const std::vector<DroppedArm>& dropped);  ///< a list of {name, reason}

struct ExpandedDesign {
  std::vector<DesignArm> arms;  // the first is the baseline
  std::vector<DroppedArm> dropped;
};

/// The value at a dotted path of the baseline changed by overrides; null where nothing stands there.
using SettingAt = std::function<ConfigNode(const std::vector<Override>&, const std::string&)>;

struct DesignQuestion {
  const DesignSection& design;
  const std::vector<DesignAxis>& axes;
  const std::vector<Condition>& constraints;
  std::string baseline_name;
  std::optional<int64_t> fold;  // what `fold` stands for in conditions
};

/// ConfigError for a design that cannot be: unknown levels, no on and off, a dropped baseline.
ExpandedDesign expand_design(const DesignQuestion& question, const SettingAt& setting_at);

}  // namespace lamina::engine
