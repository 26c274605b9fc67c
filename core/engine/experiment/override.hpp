// Overrides on traced configurations: `--set path=value`, `--set ~path`, levels of an ablation.
#pragma once

#include "engine/experiment/experiment.hpp"
#include "engine/experiment/traced.hpp"

namespace lamina::engine {

/// As apply_override() of experiment.hpp, keeping track of who set what.
void apply_traced(Traced& root, const Override& one);

}  // namespace lamina::engine
