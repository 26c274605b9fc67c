// Positions, weights and cutting of windows.
#include "windows.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

namespace lamina {

std::vector<int64_t> window_starts(int64_t size, int64_t patch, double overlap) {
  std::vector<int64_t> starts;
  const double room = static_cast<double>(size - patch);
  // At least one voxel further each time: small patches would otherwise stand twice at the same place.
  const double wanted = std::max(1.0, static_cast<double>(patch) * (1 - overlap));
  const auto count = static_cast<int64_t>(std::ceil(room / wanted)) + 1;
  const double step = count > 1 ? room / static_cast<double>(count - 1) : 0;
  // nearbyint rounds halves to even, as nnU-Net's numpy does.
  for (int64_t i = 0; i < count; ++i)
    starts.push_back(static_cast<int64_t>(std::nearbyint(step * static_cast<double>(i))));
  return starts;
}

namespace {

constexpr double kAside = 1e-6;  // weight of slices that are not in the middle

torch::Tensor gaussian_weights(const Size3& patch) {
  torch::Tensor weights = at::ones({1, 1, 1}, at::kDouble) * 10.0;
  for (size_t axis = 0; axis < 3; ++axis) {
    const double sigma = static_cast<double>(patch[axis]) / 8;
    const torch::Tensor distance = at::arange(patch[axis], at::kDouble) - static_cast<double>(patch[axis] / 2);
    std::vector<int64_t> shape{1, 1, 1};
    shape[axis] = patch[axis];
    weights = weights * (-0.5 * (distance / sigma).square()).exp().view(shape);
  }
  // The farthest corner is 10 exp(-24): far above what float32 can hold, so no weight is 0.
  return weights.to(at::kFloat);
}

}  // namespace

torch::Tensor window_weights(const Size3& patch, const std::string& kind) {
  if (kind == "gaussian") return gaussian_weights(patch);
  const torch::Tensor weights = at::ones({patch[0], patch[1], patch[2]});
  if (kind == "uniform") return weights;
  weights.fill_(kAside).select(0, patch[0] / 2).fill_(1);
  return weights;
}

torch::Tensor to_unit_range(const torch::Tensor& windows) {
  const torch::Tensor low = windows.amin({2, 3, 4}, true), spread = windows.amax({2, 3, 4}, true) - low;
  return (windows - low) / spread.masked_fill(spread.eq(0), 1);
}

WindowGrid::WindowGrid(const Size3& size, const Size3& patch, double overlap) : size(size), patch(patch) {
  std::array<std::vector<int64_t>, 3> along;
  for (size_t axis = 0; axis < 3; ++axis) {
    padded[axis] = std::max(size[axis], patch[axis]);
    before[axis] = (padded[axis] - size[axis]) / 2;
    along[axis] = window_starts(padded[axis], patch[axis], overlap);
  }
  for (const int64_t z : along[0]) {
    for (const int64_t y : along[1]) {
      for (const int64_t x : along[2]) starts.push_back({z, y, x});
    }
  }
}

namespace {

/// The part of a window that lies inside the volume: in window voxels, and where it begins in the volume.
struct Inside {
  Box box;
  Size3 from;
};

Inside inside_of(const WindowGrid& grid, const Size3& start) {
  Inside part;
  for (size_t axis = 0; axis < 3; ++axis) {
    const int64_t first = start[axis] - grid.before[axis];  // of the window, in volume voxels
    part.from[axis] = std::max<int64_t>(first, 0);
    part.box.begin[axis] = part.from[axis] - first;
    part.box.end[axis] = std::min(first + grid.patch[axis], grid.size[axis]) - first;
  }
  return part;
}

torch::Tensor narrowed(torch::Tensor voxels, const Size3& from, const Size3& size) {
  for (size_t axis = 0; axis < 3; ++axis)
    voxels = voxels.narrow(static_cast<int64_t>(axis) + 1, from[axis], size[axis]);
  return voxels;
}

/// [C, pz, py, px] of voxels [C, D, H, W].
torch::Tensor cut(const torch::Tensor& voxels, const WindowGrid& grid, const Size3& start, at::ScalarType type) {
  const Inside part = inside_of(grid, start);
  torch::Tensor window =
      at::zeros({voxels.size(0), grid.patch[0], grid.patch[1], grid.patch[2]}, voxels.options().dtype(type));
  narrowed(window, part.box.begin, part.box.size()).copy_(narrowed(voxels, part.from, part.box.size()));
  return window;
}

Streams<torch::Tensor> cut_streams(const Streams<Volume>& volumes, const Case& one, const WindowGrid& grid,
                                   size_t begin, size_t end, at::ScalarType type) {
  Streams<torch::Tensor> batches;
  for (const auto& [stream, volume] : volumes) {
    if (!volume.defined()) continue;
    if (volume.size() != grid.size) {
      throw DataError(text("case ", one.id, ": stream '", stream, "' has size ", join(volume.size(), " x "),
                           ", but the window slides over ", join(grid.size, " x "),
                           "; expected streams of the same size"));
    }
    std::vector<torch::Tensor> windows;
    for (size_t i = begin; i < end; ++i) windows.push_back(cut(volume.voxels, grid, grid.starts[i], type));
    batches.set(stream, at::stack(windows));  // [B, C, pz, py, px]
  }
  return batches;
}

}  // namespace

Batch cut_windows(const Case& one, const WindowGrid& grid, size_t begin, size_t end) {
  Batch batch;
  batch.images = cut_streams(one.images, one, grid, begin, end, at::kFloat);
  batch.labels = cut_streams(one.labels, one, grid, begin, end, at::kLong);
  batch.instances = cut_streams(one.instances, one, grid, begin, end, at::kLong);
  batch.ignore = one.ignore;
  for (size_t i = begin; i < end; ++i) {
    const Size3& start = grid.starts[i];
    std::array<double, 3> corner{};
    for (size_t axis = 0; axis < 3; ++axis) corner[axis] = static_cast<double>(start[axis] - grid.before[axis]);
    Geometry geometry = one.images.primary().geometry;
    geometry.origin = to_physical(geometry, corner);
    batch.ids.push_back(one.id);
    batch.geometry.push_back(geometry);
    batch.valid.push_back(inside_of(grid, start).box);
    batch.sample.push_back(static_cast<int64_t>(i));
  }
  return batch;
}

}  // namespace lamina
