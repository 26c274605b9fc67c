// 3D convolution with one kernel per channel, on channels-last volumes: what depth adapters mix slices with.
#pragma once

#include <lamina/base/export.hpp>

#include <torch/types.h>

namespace lamina::nn {

/// volume [N, D, h, w, C] -> the same size. weight [C, 1, kd, kh, kw] of odd kernel, bias [C] or undefined; zeros
/// beyond the edges, stride 1. LibTorch's convolution on the CPU, lamina's own kernel on a CUDA device (float32 and
/// bfloat16, sums in float32). Error when the shapes do not fit.
LAMINA_API torch::Tensor depthwise_conv3d(const torch::Tensor& volume, const torch::Tensor& weight,
                                          const torch::Tensor& bias);

}  // namespace lamina::nn
