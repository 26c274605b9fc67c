#include <lamina/nn/layer_norm_2d.hpp>

#include <torch/utils.h>

namespace lamina::nn {

LayerNorm2d::LayerNorm2d(int64_t channels, double eps)
    : weight_(register_parameter("weight", torch::ones({channels}))),
      bias_(register_parameter("bias", torch::zeros({channels}))),
      eps_(eps) {}

torch::Tensor LayerNorm2d::forward(const torch::Tensor& input) {
  // Channels go last, where torch has a fused normalisation; the result is a channels-last view.
  const torch::Tensor pixels = input.permute({0, 2, 3, 1}).contiguous();
  return at::layer_norm(pixels, {weight_.size(0)}, weight_, bias_, eps_).permute({0, 3, 1, 2});
}

}  // namespace lamina::nn
