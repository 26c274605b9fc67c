// Class scores from the resampled grid back to the grid before, slice by slice.
#pragma once

#include "grid.hpp"

#include <lamina/data/slab_sink.hpp>

namespace lamina::resampling {

/// Linear interpolation along every axis but `separate`, where the nearest slice is taken. Holds two slices of scores.
class ScoreResizer : public SlabSink {
 public:
  ScoreResizer(const Size3& from, const Size3& to, std::optional<int> separate, SlabSink& next);
  void put(const torch::Tensor& scores) override;
  void finish() override;

 private:
  void put_slice(const torch::Tensor& slice);
  torch::Tensor resize_plane(const torch::Tensor& slice) const;
  torch::Tensor between(const Step& step) const;

  Size3 from_, to_;
  std::optional<int> separate_;
  SlabSink& next_;
  Steps depth_;                       // one for each slice to put out
  torch::Tensor previous_, current_;  // [K, H, W] on the new plane; of slices received_ - 2 and received_ - 1
  int64_t received_ = 0;
  size_t sent_ = 0;
};

}  // namespace lamina::resampling
