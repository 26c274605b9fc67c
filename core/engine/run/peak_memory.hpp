// How much memory this process held at most.
#pragma once

#include <cstdint>

namespace lamina::engine {

/// Peak resident memory since the process started, or since the last reset, in bytes.
int64_t peak_memory();
/// Starts anew where the kernel allows it, so that one process can run several experiments.
void reset_peak_memory();

}  // namespace lamina::engine
