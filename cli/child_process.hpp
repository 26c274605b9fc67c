// Runs each cell of a study in a process of its own: a crash or an out-of-memory kill of one arm leaves the study
// alive, and peak memory is that of the cell.
#pragma once

#include "engine/ablate/study.hpp"

namespace lamina::cli {

/// Starts `lamina run-cell ...` and waits. Stop requests are passed on; the child dies with its parent.
engine::CellRunner child_runner();

}  // namespace lamina::cli
