// What the `config` verbs show of an experiment: its schema, where a value comes from, how two of them differ.
#pragma once

#include "engine/experiment/experiment.hpp"

#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

/// JSON Schema (draft 7) of experiment files, with the options of every known component.
ConfigNode config_schema(const Registry& registry);

/// The vocabulary of studies, of an entry of their arms, of an entry of their axes.
struct StudyDocs {
  std::vector<OptionDoc> study, arm, axis;
};
/// JSON Schema of study files; a baseline written out is an experiment.
ConfigNode study_schema(const StudyDocs& docs, const Registry& registry);

/// Something with settings: every value, who set which, what they mean.
struct Settings {
  ConfigNode resolved;
  std::map<std::string, std::string> origins;  // dotted path -> file or override; what is not listed is a default
  std::vector<OptionDoc> options;
};

/// Value, meaning, expectation and origin of what stands at a dotted path, as lines of text; everything that was set by
/// a file or override for "". ConfigError with the nearest known path when nothing stands there.
std::string explain(const Settings& settings, const std::string& path, const Registry& registry);
std::string explain(const Experiment& experiment, const std::string& path, const Registry& registry);

struct Difference {
  std::string path;
  std::string left, right;  // JSON; "" where the path does not exist
};
/// Every value in which the resolved experiments differ, by path. `runtime` and `name` included.
std::vector<Difference> diff(const Experiment& left, const Experiment& right);
std::vector<Difference> diff(const ConfigNode& left, const ConfigNode& right);  ///< of resolved ones
/// The same without `name`: what an arm changes.
std::vector<Difference> changed_settings(const ConfigNode& left, const ConfigNode& right);

}  // namespace lamina::engine
