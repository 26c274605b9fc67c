// Geometry of a change of grid.
#include "grid.hpp"

#include <algorithm>
#include <cmath>

namespace lamina::resampling {

double source_position(int64_t target, int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  return scale * (static_cast<double>(target) + 0.5) - 0.5;
}

Steps linear_steps(int64_t from, int64_t to) {
  Steps steps;
  for (int64_t target = 0; target < to; ++target) {
    const double source = std::clamp(source_position(target, from, to), 0.0, static_cast<double>(from - 1));
    const auto low = static_cast<int64_t>(std::floor(source));
    const double weight = source - static_cast<double>(low);
    steps.push_back({low, weight > 0 ? low + 1 : low, weight});
  }
  return steps;
}

Steps nearest_steps(int64_t from, int64_t to) {
  Steps steps;
  for (int64_t target = 0; target < to; ++target) {
    const auto nearest = static_cast<int64_t>(std::floor(source_position(target, from, to) + 0.5));
    const int64_t index = std::clamp<int64_t>(nearest, 0, from - 1);
    steps.push_back({index, index, 0});
  }
  return steps;
}

namespace {

bool is_anisotropic(const Spacing3& spacing, double threshold) {
  const auto [smallest, largest] = std::minmax_element(spacing.begin(), spacing.end());
  return *largest / *smallest > threshold;
}

std::optional<int> only_largest(const Spacing3& spacing) {
  const auto largest = std::max_element(spacing.begin(), spacing.end());
  if (std::count(spacing.begin(), spacing.end(), *largest) > 1) return std::nullopt;
  return static_cast<int>(largest - spacing.begin());
}

}  // namespace

std::optional<int> separate_axis(const Spacing3& current, const Spacing3& target, double threshold) {
  if (is_anisotropic(current, threshold)) return only_largest(current);
  if (is_anisotropic(target, threshold)) return only_largest(target);
  return std::nullopt;
}

Size3 resized(const Size3& size, const Spacing3& current, const Spacing3& target) {
  Size3 result{};
  for (size_t axis = 0; axis < 3; ++axis) {
    // nearbyint rounds half to even in the default rounding mode
    const double voxels = std::nearbyint(current[axis] / target[axis] * static_cast<double>(size[axis]));
    result[axis] = std::max<int64_t>(1, static_cast<int64_t>(voxels));
  }
  return result;
}

Geometry regridded(const Frame& from, const Size3& size) {
  Geometry geometry = from.geometry;
  std::array<double, 3> first{};
  for (size_t axis = 0; axis < 3; ++axis) {
    first[axis] = source_position(0, from.size[axis], size[axis]);
    geometry.spacing[axis] *= static_cast<double>(from.size[axis]) / static_cast<double>(size[axis]);
  }
  geometry.origin = to_physical(from.geometry, first);
  geometry.header = nullptr;  // it describes the old grid
  return geometry;
}

}  // namespace lamina::resampling
