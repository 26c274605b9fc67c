// SAM's layer normalisation of images: over the channels of each pixel.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::nn {

/// [N, C, H, W] -> the same shape: every pixel gets mean 0 and (biased) variance 1 over its channels, then a scale and
/// a shift per channel ("weight", "bias"). As segment-anything's modeling/common.py.
class LAMINA_API LayerNorm2d : public torch::nn::Module {
 public:
  explicit LayerNorm2d(int64_t channels, double eps = 1e-6);
  torch::Tensor forward(const torch::Tensor& input);

 private:
  torch::Tensor weight_, bias_;
  double eps_;
};

}  // namespace lamina::nn
