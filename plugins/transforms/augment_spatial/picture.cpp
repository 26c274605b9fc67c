// Operations of picture programs on slices.
#include "picture.hpp"

#include <cmath>

#include <ATen/ATen.h>

namespace lamina::picture {
namespace {

constexpr double kLevels = 255;

torch::Tensor smoothed(const torch::Tensor& slices) {
  torch::Tensor kernel = at::ones({1, 1, 3, 3}, slices.options());
  kernel[0][0][1][1] = 5;
  torch::Tensor result = slices.clone();
  const int64_t height = slices.size(2), width = slices.size(3);
  if (height < 3 || width < 3) return result;
  const torch::Tensor rows = slices.flatten(0, 1).unsqueeze(1);  // [C*D, 1, H, W]
  const torch::Tensor middle =
      at::conv2d(rows, kernel / 13).view({slices.size(0), slices.size(1), height - 2, width - 2});
  result.narrow(2, 1, height - 2).narrow(3, 1, width - 2).copy_(middle);
  return result;
}

}  // namespace

torch::Tensor quantized(const torch::Tensor& slices) { return (slices.clamp(0, 1) * kLevels).round_().div_(kLevels); }

torch::Tensor posterized(const torch::Tensor& slices, int64_t bits) {
  const double step = std::exp2(static_cast<double>(8 - bits));
  return (slices.clamp(0, 1) * kLevels).round_().div_(step).floor_().mul_(step / kLevels);
}

torch::Tensor contrasted(const torch::Tensor& slices, double factor) {
  const torch::Tensor mean = slices.mean({2, 3}, true);
  return (slices - mean).mul_(factor).add_(mean).clamp_(0, 1);
}

torch::Tensor sharpened(const torch::Tensor& slices, double factor) {
  const torch::Tensor smooth = smoothed(slices);
  return (slices - smooth).mul_(factor).add_(smooth).clamp_(0, 1);
}

}  // namespace lamina::picture
