// What the `config` verbs show of a study: everything filled in, where a value comes from, its schema, its arms.
#pragma once

#include "engine/ablate/study.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

/// Whether `what` names a study as a whole, not an arm of it and no experiment; ConfigError where there is no such
/// file.
bool is_study(const std::string& what);

/// "EXPERIMENT" or "STUDY:ARM", the arm with the study's first seed and fold. ConfigError naming the arms where a study
/// is given without one.
Experiment load_experiment_or_arm(const std::string& what, const std::vector<Override>& overrides,
                                  const Registry& registry);

/// The study with every default, its baseline resolved, and each arm of its list and design with what it changes. The
/// arms' own experiments are what load_experiment_or_arm() gives.
ConfigNode resolved_study(const Study& study, const Registry& registry);

/// As explain() of an experiment: a setting of the study itself, one inside an arm
/// ("arms[no_boxes].model.prompter.box"), or everything that the study's files set for "".
std::string explain_study(const std::string& what, const std::string& path, const std::vector<Override>& overrides,
                          const Registry& registry);

/// JSON Schema (draft 7) of study files; an inline baseline is checked as an experiment.
ConfigNode study_schema(const Registry& registry);

}  // namespace lamina::engine
