#include <lamina/nn/point_grid.hpp>

#include <torch/utils.h>

namespace lamina::nn {

torch::Tensor point_grid(int64_t n, int64_t height, int64_t width) {
  const torch::Tensor parts = (torch::arange(n, torch::kFloat64) + 0.5) / n;
  return torch::stack({(parts * width).repeat({n}), (parts * height).repeat_interleave(n)}, 1);
}

}  // namespace lamina::nn
