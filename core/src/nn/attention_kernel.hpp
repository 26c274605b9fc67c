// Attention by the processor's own kernel; see attention_panel/panel.hpp.
#pragma once

#include "nn/attention_tiled.hpp"

namespace lamina::nn {

/// Whether this processor has a kernel, and it does this: on the CPU, float32 or narrower.
bool has_kernel(const torch::Tensor& qkv);

/// As rel_pos_attention(), computed in float32, without a history. Nothing beyond the result and, for each thread, one
/// head's keys and values is kept.
torch::Tensor kernel_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes);

}  // namespace lamina::nn
