// Between volumes and stacks of slices.
#pragma once

#include <lamina/base/export.hpp>

#include <torch/types.h>

namespace lamina::nn {

/// [B, C, D, H, W] -> [B*D, C, H, W], b slowest.
LAMINA_API torch::Tensor fold_depth(const torch::Tensor& volume);
/// [B*D, C, H, W] -> [B, C, D, H, W].
LAMINA_API torch::Tensor unfold_depth(const torch::Tensor& slices, int64_t batch, int64_t depth);

}  // namespace lamina::nn
