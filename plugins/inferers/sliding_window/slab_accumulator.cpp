// The open slices of a sliding window.
#include "slab_accumulator.hpp"

#include <algorithm>

#include <ATen/ops/zeros.h>

namespace lamina {

SlabAccumulator::SlabAccumulator(const WindowGrid& grid, int64_t classes, torch::Tensor weights, SlabSink& sink)
    : grid_(grid), weights_(std::move(weights)), sink_(sink) {
  sum_ = at::zeros({classes, grid.patch[0], grid.padded[1], grid.padded[2]});
  total_ = at::zeros({grid.patch[0], grid.padded[1], grid.padded[2]});
}

void SlabAccumulator::add(const torch::Tensor& scores, const Size3& start) {
  if (start[0] > first_) move_to(start[0]);
  const Size3& patch = grid_.patch;
  sum_.narrow(2, start[1], patch[1]).narrow(3, start[2], patch[2]).addcmul_(scores, weights_);
  total_.narrow(1, start[1], patch[1]).narrow(2, start[2], patch[2]).add_(weights_);
}

void SlabAccumulator::finish() {
  emit(grid_.patch[0]);
  sink_.finish();
}

void SlabAccumulator::move_to(int64_t z) {
  const int64_t depth = grid_.patch[0], done = std::min(z - first_, depth);
  emit(done);
  // Slice by slice, because source and target overlap.
  for (int64_t i = 0; i + done < depth; ++i) {
    sum_.select(1, i).copy_(sum_.select(1, i + done));
    total_.select(0, i).copy_(total_.select(0, i + done));
  }
  sum_.narrow(1, depth - done, done).zero_();
  total_.narrow(0, depth - done, done).zero_();
  first_ = z;
}

void SlabAccumulator::emit(int64_t slices) {
  // Padding is cut off on all sides.
  const int64_t begin = std::max(first_, grid_.before[0]),
                end = std::min(first_ + slices, grid_.before[0] + grid_.size[0]);
  if (end <= begin) return;
  const auto cropped = [&](const torch::Tensor& open) {
    const int64_t z = open.dim() - 3;
    return open.narrow(z, begin - first_, end - begin)
        .narrow(z + 1, grid_.before[1], grid_.size[1])
        .narrow(z + 2, grid_.before[2], grid_.size[2]);
  };
  sink_.put(cropped(sum_) / cropped(total_));  // [K, d, H, W]
}

}  // namespace lamina
