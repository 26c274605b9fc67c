// Attention of one head, forward and backward, for the processor's own vectors. No torch here, and no library's inline
// functions: these files are compiled for several processors, and the linker keeps one copy of what they share.
#pragma once

namespace lamina::nn::panel {

/// Queries of one head in one image (or window) against all its keys, on a grid of height x width keys:
///   result_i = sum over keys k of softmax(q_i.k / sqrt(depth) + q_i.Rh + q_i.Rw) v_k, depth the head's width.
/// Tensors are float or bfloat16, as the kernel takes them; steps count their elements.
struct Call {
  long height, width, depth;
  long inside_height, inside_width;         ///< the part of the grid that the tensor holds, from its first token on
  const void *outside_key, *outside_value;  ///< [depth], of every other token; unused where the tensor holds all
  const void *queries, *keys, *values;      ///< of the first token
  long row_step, token_step;                ///< of queries, keys and values
  const float *table_height, *table_width;  ///< [2 height - 1, depth], [2 width - 1, depth]; row i - j + size - 1
  long area_width, first, count;            ///< queries: `count` from number `first` on, `area_width` in a row
  void* result;                             ///< of query 0
  long result_row_step, result_token_step;
  float* normal;                ///< by query number: log2 of its sum of weights; null: not wanted
  bool same_head, same_tables;  ///< the workspace still has these from the call before
  void* workspace;              ///< 64-byte aligned
};

/// Gradients of such a call, all queries of the head at once. Those of tokens in the tensor are written; those of
/// tables and of the token outside are added to.
struct BackwardCall {
  Call forward;                                  ///< with its result and normal; same_head is not used
  const void* grad_result;                       ///< steps as the result's
  void *grad_queries, *grad_keys, *grad_values;  ///< steps as the queries'
  float *grad_table_height, *grad_table_width;   ///< as the tables
  float *grad_outside_key, *grad_outside_value;  ///< [depth]; unused where the tensor holds all
};

struct Kernel {
  const char* name;
  bool bfloat16;                                ///< what it takes and gives; false: float
  unsigned long (*forward_bytes)(const Call&);  ///< of workspace; looks at sizes only
  void (*forward)(const Call&);
  unsigned long (*backward_bytes)(const Call&);
  void (*backward)(const BackwardCall&);
};

extern const Kernel kAvx2, kAvx512, kAvx512Bf16, kAmxBf16;

/// The fastest of this processor's kernels, null where it has none; for bfloat16 that may be one of floats. A `name`
/// (null: any) leaves only that one.
const Kernel* find_kernel(bool bfloat16, const char* name);

}  // namespace lamina::nn::panel
