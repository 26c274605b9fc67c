// Geometry of a change of grid: which axis is treated apart, how large the new grid is, where its voxels fall.
#pragma once

#include <lamina/data/case.hpp>

#include <array>
#include <optional>
#include <vector>

namespace lamina::resampling {

using Spacing3 = std::array<double, 3>;

/// Where a voxel of the new grid falls on the old one: between voxels `low` and `high`, `weight` of the way.
struct Step {
  int64_t low = 0, high = 0;
  double weight = 0;
};
using Steps = std::vector<Step>;

/// Half-pixel centres, edges repeated: source = (target + 0.5) * from / to - 0.5.
double source_position(int64_t target, int64_t from, int64_t to);
Steps linear_steps(int64_t from, int64_t to);
Steps nearest_steps(int64_t from, int64_t to);

/// The axis that is interpolated by nearest neighbour because its slices are thick: the single axis of largest spacing
/// of the current grid (or else of the new one), where largest / smallest spacing exceeds `threshold`.
std::optional<int> separate_axis(const Spacing3& current, const Spacing3& target, double threshold);

/// Sizes round half to even, at least one voxel.
Size3 resized(const Size3& size, const Spacing3& current, const Spacing3& target);

/// The geometry of `size` voxels that cover exactly what `from` covers.
Geometry regridded(const Frame& from, const Size3& size);

}  // namespace lamina::resampling
