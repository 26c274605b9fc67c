// The axes and the design of a study file, turned into the study's arms.
#pragma once

#include "engine/ablate/study.hpp"

namespace lamina::engine {

/// Adds the baseline and every arm of the design to `study`, which knows its baseline, seeds and folds already; what
/// the design leaves out goes to study.dropped. `shared` are the study's own settings, below those of the arms.
/// ConfigError where an axis' default is not what the baseline has.
void add_designed_arms(Study& study, const StudyOptions& options, const std::vector<Override>& shared,
                       const Registry& registry);

}  // namespace lamina::engine
