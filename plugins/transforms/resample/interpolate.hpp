// Interpolation of whole volumes onto another number of voxels.
#pragma once

#include "grid.hpp"

namespace lamina::resampling {

/// Cubic B-spline through the voxels of one channel [D, H, W], float32; along `separate` (if any) the nearest slice is
/// taken. Values stay within the input's range: of the volume, or of each slice across `separate`.
torch::Tensor resize_cubic(const torch::Tensor& image, const Size3& to, std::optional<int> separate);

/// Each voxel [D, H, W] takes the label whose linearly interpolated indicator is largest; a tie goes to the nearest
/// voxel's label. Along `separate` the nearest slice is taken. Any integer type, any number of labels.
torch::Tensor resize_labels(const torch::Tensor& labels, const Size3& to, std::optional<int> separate);

}  // namespace lamina::resampling
