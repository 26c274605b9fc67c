// Attention by the device's own kernels; see cuda/attention_forward.cuh.
#pragma once

#include "nn/attention_tiled.hpp"

namespace lamina::nn {

/// Whether there is a kernel for these tensors' device, type and sizes, with gradients where one is asked for.
bool has_device_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes);

/// As rel_pos_attention(); keeps the result and one float per query and head for the backward pass.
torch::Tensor device_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes);

}  // namespace lamina::nn
