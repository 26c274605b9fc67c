// What the `config` verbs show of an experiment: its schema, where a value comes from, how two of them differ.
#pragma once

#include "engine/experiment/experiment.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

/// JSON Schema (draft 7) of experiment files, with the options of every known component.
ConfigNode config_schema(const Registry& registry);

/// Value, meaning, expectation and origin of what stands at a dotted path, as lines of text; everything that was set by
/// a file or override for "". ConfigError with the nearest known path when nothing stands there.
std::string explain(const Experiment& experiment, const std::string& path, const Registry& registry);

struct Difference {
  std::string path;
  std::string left, right;  // JSON; "" where the path does not exist
};
/// Every value in which the resolved experiments differ, by path. `runtime` and `name` included.
std::vector<Difference> diff(const Experiment& left, const Experiment& right);
std::vector<Difference> diff(const ConfigNode& left, const ConfigNode& right);  ///< of resolved ones

}  // namespace lamina::engine
