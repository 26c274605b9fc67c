// Operations of picture programs on slices [C, D, H, W] of values between 0 and 1, as Pillow defines them.
#pragma once

#include <cstdint>

#include <torch/types.h>

namespace lamina::picture {

/// To the nearest of 256 levels, within 0..1.
torch::Tensor quantized(const torch::Tensor& slices);
/// Keeps the highest `bits` of 8.
torch::Tensor posterized(const torch::Tensor& slices, int64_t bits);
/// Away from each slice's mean by `factor`.
torch::Tensor contrasted(const torch::Tensor& slices, double factor);
/// Away from the slice smoothed with 3x3 weights of 1 around 5; the border stays.
torch::Tensor sharpened(const torch::Tensor& slices, double factor);

}  // namespace lamina::picture
