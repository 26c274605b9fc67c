// The parts of an image that automatic masks look at, and the points asked in each.
#pragma once

#include <lamina/segment/mask_generator.hpp>

#include <array>
#include <vector>

namespace lamina::segment {

/// x1, y1, x2, y2; pixels.
using CropBox = std::array<int64_t, 4>;

struct Crop {
  CropBox box;
  int64_t layer;  ///< 0: the whole image
};

/// The whole image, then 4, 16, ... overlapping parts.
std::vector<Crop> crops_of(int64_t height, int64_t width, const MaskGeneratorOptions& options);

/// [n * n, 2] positions (x, y) in pixels of the crop: centres of n x n equal cells.
torch::Tensor points_of(const Crop& crop, const MaskGeneratorOptions& options);

}  // namespace lamina::segment
