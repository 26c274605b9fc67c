// Attention of one head in float32, for the processor's own vectors. No torch here, and no library's inline functions:
// these files are compiled for several processors, and the linker keeps one copy of what they share.
#pragma once

#include <cstddef>

namespace lamina::nn::panel {

/// Queries of one head in one image against all its keys, on a grid of height x width keys. Rows are packed; `depth` is
/// the head's width. result[i] = sum over keys k of softmax(q_i.k / sqrt(depth) + q_i.Rh + q_i.Rw) v_k.
struct Call {
  long height, width, depth;
  const float *keys, *values;               ///< [height * width, depth]
  const float *table_height, *table_width;  ///< [2 height - 1, depth], [2 width - 1, depth]; row i - j + size - 1
  const float* queries;                     ///< [count, depth]
  const long *rows, *columns;               ///< of the queries on the grid, [count]
  long count;
  float* result;     ///< [count, depth]
  float* workspace;  ///< workspace_floats(), 64-byte aligned
};

using Kernel = void (*)(const Call&);

/// Floats that any kernel needs for a call of these sizes.
size_t workspace_floats(long height, long width, long depth);

/// The fastest that this processor can run; null: none.
Kernel best_kernel();

void attend_avx2(const Call& call);
void attend_avx512(const Call& call);

}  // namespace lamina::nn::panel
