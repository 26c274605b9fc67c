// Class scores from the resampled grid back to the grid before, slice by slice.
#include "score_resizer.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <ATen/ATen.h>

namespace lamina::resampling {
namespace {

/// Along one axis of [K, H, W], by nearest neighbour or linearly.
torch::Tensor resize_line(const torch::Tensor& slice, int64_t axis, int64_t to, bool nearest) {
  const int64_t from = slice.size(axis);
  if (from == to) return slice;
  std::vector<int64_t> low, high;
  std::vector<float> weight;
  for (const Step& step : nearest ? nearest_steps(from, to) : linear_steps(from, to)) {
    low.push_back(step.low);
    high.push_back(step.high);
    weight.push_back(static_cast<float>(step.weight));
  }
  const auto lower = slice.index_select(axis, at::tensor(low));
  if (nearest) return lower;
  auto shape = std::vector<int64_t>{1, 1, 1};
  shape[axis] = to;
  return lower.lerp_(slice.index_select(axis, at::tensor(high)), at::tensor(weight).view(shape));
}

}  // namespace

ScoreResizer::ScoreResizer(const Size3& from, const Size3& to, std::optional<int> separate, SlabSink& next)
    : from_(from),
      to_(to),
      separate_(separate),
      next_(next),
      depth_(separate == 0 ? nearest_steps(from[0], to[0]) : linear_steps(from[0], to[0])) {}

void ScoreResizer::put(const torch::Tensor& scores) {
  for (int64_t z = 0; z < scores.size(1); ++z) put_slice(scores.select(1, z));
}

void ScoreResizer::put_slice(const torch::Tensor& slice) {
  if (sent_ == depth_.size()) {
    ++received_;
    return;  // what is left falls between no slices of the new grid
  }
  const Step& wanted = depth_[sent_];
  previous_ = current_;
  // A slice that no output needs is not resized.
  current_ = received_ >= wanted.low ? resize_plane(slice) : torch::Tensor();
  ++received_;
  while (sent_ < depth_.size() && depth_[sent_].high < received_) {
    next_.put(between(depth_[sent_++]).unsqueeze(1));  // [K, 1, H, W]
  }
}

torch::Tensor ScoreResizer::resize_plane(const torch::Tensor& slice) const {
  return resize_line(resize_line(slice, 1, to_[1], separate_ == 1), 2, to_[2], separate_ == 2);
}

torch::Tensor ScoreResizer::between(const Step& step) const {
  const auto& low = step.low == received_ - 1 ? current_ : previous_;
  return step.weight > 0 ? low.lerp(current_, step.weight) : low;
}

void ScoreResizer::finish() {
  if (received_ != from_[0]) {
    throw Error(text("resample got scores of ", received_, " slices, expected ", from_[0]));
  }
  next_.finish();
}

}  // namespace lamina::resampling
