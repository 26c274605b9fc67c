// Which runs of a study come before a run because their seed does: what `budget.stop` compares it with.
#pragma once

#include "engine/ablate/study.hpp"

#include <vector>

namespace lamina::engine {

/// Indices of the cells of the same fold whose seed stands before that of `cells[index]` in the plan.
std::vector<size_t> earlier_seeds(const std::vector<Cell>& cells, size_t index);
/// The same from the plan.json beside the run's folder; nothing where there is none, and nothing for runs of an arm
/// that others are compared with, or that share its training: those go to their end.
std::vector<RunFolder> earlier_seeds(const RunFolder& run);

}  // namespace lamina::engine
