// Boxes of masks, and how well boxes agree.
#include <lamina/base/error.hpp>
#include <lamina/nn/boxes.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr double kSmallestArea = 1e-12;

// First and last true position along the last axis of bool [..., n], divided by n. Past the ends where nothing is true.
std::pair<torch::Tensor, torch::Tensor> ends(const torch::Tensor& line) {
  const int64_t length = line.size(-1);
  const torch::Tensor position = torch::arange(length, line.options().dtype(torch::kFloat32));
  const torch::Tensor first = at::where(line, position, static_cast<double>(length)).amin(-1);
  const torch::Tensor last = at::where(line, position, -1.0).amax(-1);
  return {first / length, last / length};
}

// Width times height, 0 where a side is negative. Corners [..., 2].
torch::Tensor area(const torch::Tensor& low, const torch::Tensor& high) { return (high - low).clamp_min(0).prod(-1); }

}  // namespace

torch::Tensor boxes_of_masks(const torch::Tensor& masks) {
  if (masks.scalar_type() != torch::kBool || masks.dim() < 2 || masks.size(-1) == 0 || masks.size(-2) == 0) {
    throw Error("boxes_of_masks: expected a bool tensor [..., h, w] with pixels; compare logits with 0 first");
  }
  const torch::NoGradGuard no_grad;
  const auto [x1, x2] = ends(masks.any(-2));
  const auto [y1, y2] = ends(masks.any(-1));
  const torch::Tensor empty = masks.flatten(-2).any(-1).logical_not();
  return torch::stack({x1, y1, x2, y2}, -1).masked_fill_(empty.unsqueeze(-1), 0);
}

torch::Tensor boxes_of_fractions(const torch::Tensor& fractions) {
  const torch::Tensor corner = fractions.narrow(-1, 0, 2);
  return at::cat({corner, corner + (1 - corner) * fractions.narrow(-1, 2, 2)}, -1);
}

torch::Tensor generalized_box_iou(const torch::Tensor& a, const torch::Tensor& b) {
  const auto low = [](const torch::Tensor& boxes) { return boxes.narrow(-1, 0, 2); };
  const auto high = [](const torch::Tensor& boxes) { return boxes.narrow(-1, 2, 2); };
  const torch::Tensor common = area(at::maximum(low(a), low(b)), at::minimum(high(a), high(b)));
  const torch::Tensor joined = (area(low(a), high(a)) + area(low(b), high(b)) - common).clamp_min(kSmallestArea);
  const torch::Tensor hull = area(at::minimum(low(a), low(b)), at::maximum(high(a), high(b))).clamp_min(kSmallestArea);
  return common / joined - (hull - joined) / hull;
}

}  // namespace lamina::nn
