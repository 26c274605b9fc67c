// Sizes of the surface elements between voxel centres: areas in 3D, lengths in 2D.
#pragma once

#include <array>
#include <cstdint>

namespace lamina::surface {

/// Bit of a corner of a cell in its code; z, y, x are 0 or 1.
constexpr uint8_t corner_bit(int z, int y, int x) { return static_cast<uint8_t>(128 >> (4 * z + 2 * y + x)); }
/// The same for a flat cell: four corners, codes 0 .. 15.
constexpr uint8_t corner_bit(int y, int x) { return static_cast<uint8_t>(8 >> (2 * y + x)); }

/// mm^2 of the surface inside a cell, by the code of the corners that belong to the mask; spacing in z, y, x.
std::array<double, 256> element_areas(const std::array<double, 3>& spacing);
/// mm of the contour inside a flat cell, codes 0 .. 15; of the spacing only y and x count.
std::array<double, 256> element_lengths(const std::array<double, 3>& spacing);

}  // namespace lamina::surface
