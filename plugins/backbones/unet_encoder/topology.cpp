// Kernels and strides of a U-Net that fit a patch: nnU-Net's pooling rules.
#include "topology.hpp"

#include <algorithm>
#include <limits>

namespace lamina::unet_encoder {
namespace {

constexpr int64_t kSmallestEdge = 4;      // of a feature map
constexpr double kAnisotropyLimit = 2.0;  // spacing of an axis relative to the finest one

struct Grid {
  std::array<int64_t, 3> size;
  std::array<double, 3> spacing;
  size_t first_axis;  // 0, or 1 in two dimensions
};

double finest(const Grid& grid, const std::vector<size_t>& axes) {
  double result = std::numeric_limits<double>::infinity();
  for (const size_t axis : axes) result = std::min(result, grid.spacing[axis]);
  return result;
}

std::vector<size_t> all_axes(const Grid& grid) {
  std::vector<size_t> axes;
  for (size_t axis = grid.first_axis; axis < 3; ++axis) axes.push_back(axis);
  return axes;
}

// Axes to halve next; none: the bottom is reached.
std::vector<size_t> axes_to_pool(const Grid& grid) {
  std::vector<size_t> large, chosen;
  for (const size_t axis : all_axes(grid)) {
    if (grid.size[axis] >= 2 * kSmallestEdge) large.push_back(axis);
  }
  const double limit = kAnisotropyLimit * finest(grid, large);
  std::copy_if(large.begin(), large.end(), std::back_inserter(chosen),
               [&](size_t axis) { return grid.spacing[axis] < limit; });
  if (chosen.size() == 1 && grid.size[chosen[0]] < 3 * kSmallestEdge) chosen.clear();
  return chosen;
}

// An axis gets kernel 3, and keeps it, once its spacing is close to the finest one.
void widen(std::array<int64_t, 3>& kernel, const Grid& grid) {
  const double limit = kAnisotropyLimit * finest(grid, all_axes(grid));
  for (const size_t axis : all_axes(grid)) {
    if (grid.spacing[axis] < limit) kernel[axis] = 3;
  }
}

}  // namespace

Topology plan_topology(const std::array<int64_t, 3>& patch, const std::array<double, 3>& spacing, int64_t dimensions,
                       size_t most_stages) {
  Grid grid{patch, spacing, dimensions == 2 ? 1u : 0u};
  Topology plan;
  plan.strides.push_back({1, 1, 1});
  std::array<int64_t, 3> kernel{1, 1, 1};
  while (most_stages == 0 || plan.strides.size() < most_stages) {
    const std::vector<size_t> axes = axes_to_pool(grid);
    if (axes.empty()) break;
    widen(kernel, grid);
    plan.kernels.push_back(kernel);
    std::array<int64_t, 3> stride{1, 1, 1};
    for (const size_t axis : axes) {
      stride[axis] = 2;
      grid.spacing[axis] *= 2;
      grid.size[axis] = (grid.size[axis] + 1) / 2;
    }
    plan.strides.push_back(stride);
  }
  for (const size_t axis : all_axes(grid)) kernel[axis] = 3;
  plan.kernels.push_back(kernel);
  return plan;
}

}  // namespace lamina::unet_encoder
