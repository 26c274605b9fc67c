#include "boxes_nms.hpp"

#include <torch/utils.h>

namespace lamina::segment {
namespace {

constexpr double kEdge = 20;  // pixels

/// Of [N, L]: first and last true element, [N] each.
std::pair<torch::Tensor, torch::Tensor> span_of(const torch::Tensor& lines) {
  const torch::Tensor hits = lines.to(torch::kInt8);
  return {hits.argmax(1), lines.size(1) - 1 - hits.flip({1}).argmax(1)};
}

}  // namespace

torch::Tensor boxes_of(const torch::Tensor& masks) {
  const torch::Tensor rows = masks.any(2), columns = masks.any(1);
  const auto [top, bottom] = span_of(rows);
  const auto [left, right] = span_of(columns);
  return torch::stack({left, top, right, bottom}, 1) * rows.any(1, true);
}

std::vector<int64_t> non_maximum_suppression(const torch::Tensor& boxes, const torch::Tensor& scores, double overlap) {
  const torch::Tensor order = std::get<1>(scores.sort(/*stable=*/true, 0, /*descending=*/true));
  const torch::Tensor sorted = boxes.to(torch::kFloat32).index_select(0, order).contiguous();
  const int64_t count = sorted.size(0);
  const float* box = sorted.data_ptr<float>();
  const int64_t* original = order.data_ptr<int64_t>();
  const auto area = [&](const float* b) { return (b[2] - b[0]) * (b[3] - b[1]); };
  std::vector<bool> fallen(static_cast<size_t>(count), false);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < count; ++i) {
    if (fallen[static_cast<size_t>(i)]) continue;
    kept.push_back(original[i]);
    const float* a = box + 4 * i;
    for (int64_t j = i + 1; j < count; ++j) {
      const float* b = box + 4 * j;
      const float w = std::max(0.0F, std::min(a[2], b[2]) - std::max(a[0], b[0]));
      const float h = std::max(0.0F, std::min(a[3], b[3]) - std::max(a[1], b[1]));
      if (w * h / (area(a) + area(b) - w * h) > overlap) fallen[static_cast<size_t>(j)] = true;
    }
  }
  return kept;
}

torch::Tensor near_crop_edge(const torch::Tensor& boxes, const torch::Tensor& crop, const torch::Tensor& image) {
  const torch::Tensor near_crop = (boxes - crop).abs() <= kEdge, near_image = (boxes - image).abs() <= kEdge;
  return near_crop.logical_and(near_image.logical_not()).any(1);
}

}  // namespace lamina::segment
