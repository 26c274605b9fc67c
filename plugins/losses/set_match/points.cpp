// Draws points and reads maps at them.
#include "points.hpp"

#include <optional>

#include <torch/utils.h>

namespace lamina::set_match {
namespace {

constexpr double kLast = -1e30, kHalf = 0.5;  // kLast: less certain than any logit

}  // namespace

torch::Tensor random_points(int64_t rows, int64_t count, const torch::Device& device,
                            const torch::Generator& generator) {
  const std::optional<at::Generator> source = generator.defined() ? std::optional(generator) : std::nullopt;
  return at::rand({rows, count, 2}, source, torch::TensorOptions(torch::kFloat32)).to(device);
}

torch::Tensor sample_maps(const torch::Tensor& maps, const torch::Tensor& points) {
  const torch::Tensor grid = (2 * points - 1).unsqueeze(1);  // [R, 1, N, 2]
  constexpr int64_t kBilinear = 0, kZeros = 0;
  return at::grid_sampler(maps, grid, kBilinear, kZeros, false).squeeze(2);
}

LabelPoints::LabelPoints(const torch::Tensor& labels, const torch::Tensor& slice, const torch::Tensor& points) {
  const int64_t height = labels.size(1), width = labels.size(2);
  const torch::Tensor x = points.select(2, 0) * width - 0.5, y = points.select(2, 1) * height - 0.5;  // pixel centres
  const torch::Tensor left = x.floor(), top = y.floor(), right_share = x - left, low_share = y - top;
  std::vector<torch::Tensor> found, weights;
  for (const int64_t down : {0, 1}) {
    for (const int64_t right : {0, 1}) {
      const torch::Tensor column = left + right, row = top + down;
      const torch::Tensor inside = column.ge(0) & column.lt(width) & row.ge(0) & row.lt(height);
      const torch::Tensor weight = (right ? right_share : 1 - right_share) * (down ? low_share : 1 - low_share);
      const torch::Tensor pixel = row.clamp(0, height - 1) * width + column.clamp(0, width - 1);
      found.push_back(at::take(labels, pixel.to(torch::kInt64) + slice.view({-1, 1}) * (height * width)));
      weights.push_back(weight * inside);
    }
  }
  labels_ = torch::stack(found, -1);
  weights_ = torch::stack(weights, -1);
}

torch::Tensor LabelPoints::share_of(const torch::Tensor& label) const {
  return (weights_ * labels_.eq(label.to(labels_.scalar_type()).view({-1, 1, 1}))).sum(-1);
}

torch::Tensor LabelPoints::shares(int64_t classes) const {
  std::vector<torch::Tensor> each;
  for (int64_t k = 0; k < classes; ++k) each.push_back((weights_ * labels_.eq(k)).sum(-1));
  return torch::stack(each, 1);
}

torch::Tensor LabelPoints::counted() const { return 1 - (weights_ * labels_.eq(kNotCounted)).sum(-1); }

torch::Tensor uncertain_points(const torch::Tensor& maps, const torch::Tensor& slice, const SliceTargets& targets,
                               const PointRule& rule, const torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  const int64_t rows = maps.size(0);
  const auto candidates = static_cast<int64_t>(static_cast<double>(rule.count) * rule.oversample);
  const auto chosen = static_cast<int64_t>(static_cast<double>(rule.count) * rule.importance);
  const torch::Tensor points = random_points(rows, candidates, maps.device(), generator);
  torch::Tensor uncertainty = -sample_maps(maps.unsqueeze(1), points).squeeze(1).abs();  // [R, candidates]
  if (targets.ignores) uncertainty.masked_fill_(LabelPoints(targets.labels, slice, points).counted().lt(kHalf), kLast);
  const torch::Tensor best = std::get<1>(uncertainty.topk(chosen, 1)).unsqueeze(-1).expand({-1, -1, 2});
  return torch::cat({points.gather(1, best), random_points(rows, rule.count - chosen, maps.device(), generator)}, 1);
}

}  // namespace lamina::set_match
