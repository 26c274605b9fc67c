// Exact Euclidean distances from the points of one surface to another, on an anisotropic grid.
#pragma once

#include <lamina/data/tensors.hpp>

#include <cstdint>
#include <vector>

namespace lamina::surface {

/// Points of two surfaces on one grid: kPredicted and kReference bits, [D, H, W].
struct Lattice {
  Size3 size{0, 0, 0};                     // z, y, x
  std::array<double, 3> spacing{1, 1, 1};  // mm
  std::vector<uint8_t> marks;
};

/// For every point with the bit `from`, in raster order: mm to the nearest point with the bit `to`; there must be one.
std::vector<double> nearest_distances(const Lattice& lattice, uint8_t from, uint8_t to);

}  // namespace lamina::surface
