// Sums weighted windows over the slices that are still open; finished slices leave in order.
#pragma once

#include "windows.hpp"

#include <lamina/data/slab_sink.hpp>

namespace lamina {

class SlabAccumulator {
 public:
  /// Holds [K, pz, H, W]: windows arrive with z ascending, so nothing before a window's first slice can change any
  /// more.
  SlabAccumulator(const WindowGrid& grid, int64_t classes, torch::Tensor weights, SlabSink& sink);

  /// scores [K, pz, py, px] of the window at `start`; starts ascend in z.
  void add(const torch::Tensor& scores, const Size3& start);
  /// After the last window.
  void finish();

 private:
  void move_to(int64_t z);
  void emit(int64_t slices);

  const WindowGrid& grid_;
  torch::Tensor weights_;  // [pz, py, px]
  SlabSink& sink_;
  int64_t first_ = 0;    // padded slice that the buffers begin with
  torch::Tensor sum_;    // [K, pz, H, W]
  torch::Tensor total_;  // [pz, H, W]
};

}  // namespace lamina
