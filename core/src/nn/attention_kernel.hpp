// Attention by the processor's own kernel, with its history; see attention_panel/panel.hpp.
#pragma once

#include "nn/attention_heads.hpp"

namespace lamina::nn {

/// The kernel for tensors like this one: on the CPU, in bfloat16 if there is one for that, else in float32. Null: none.
/// LAMINA_ATTENTION_KERNEL names one, or "none"; error where this processor does not have it.
const panel::Kernel* kernel_for(const torch::Tensor& qkv);

/// qkv [N, h, w, 3C], `outside` [3C] (undefined: no window reaches beyond the grid) -> [N, area.height, area.width, C].
/// Gradients for all of them, no second derivative. Keeps the result and one float per query and head for that.
torch::Tensor kernel_attention(const panel::Kernel& kernel, const torch::Tensor& qkv, const torch::Tensor& outside,
                               const RelPosTables& tables, const WindowSizes& sizes);

}  // namespace lamina::nn
