// Instance normalisation and leaky ReLU as one step.
#pragma once

#include <torch/types.h>

namespace lamina::nn {

/// leaky_relu(instance_norm(input) * weight + bias); a slope of 1 is no activation. Input [B, C, (D,) H, W]. Where
/// channels lie side by side on the CPU (float32, C a multiple of 8) it reads the input twice and keeps nothing but it
/// for the backward pass; elsewhere torch's own functions run one after the other. bfloat16 on the CPU, which
/// autocast's convolutions give, is widened first.
torch::Tensor norm_leaky(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias, double eps,
                         double slope);

}  // namespace lamina::nn
