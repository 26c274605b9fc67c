#include <lamina/nn/truncated_normal.hpp>

#include <cmath>

#include <torch/utils.h>

namespace lamina::nn {

void draw_truncated_normal(torch::Tensor target) {
  constexpr double kSpread = 0.02;
  const double edge = std::erf(std::sqrt(2.0));  // two spreads
  const torch::NoGradGuard no_grad;
  target.uniform_(-edge, edge).erfinv_().mul_(kSpread * std::sqrt(2.0));
}

}  // namespace lamina::nn
