// Percentiles and masks that normalisations share.
#pragma once

#include <cstdint>

#include <torch/types.h>

namespace lamina::normalizing {

/// numpy's percentile with linear interpolation, `share` in 0..1; any number of values.
double quantile(const torch::Tensor& values, double share);

/// Mean and standard deviation (of the population) in double precision.
struct Moments {
  double mean = 0, sd = 0;
};
Moments moments(const torch::Tensor& values);

/// Voxels [D, H, W] that are not 0 in some channel of [C, D, H, W], inner holes filled: background counts only where it
/// is reached from the border across voxel faces.
torch::Tensor nonzero_mask(const torch::Tensor& image);

}  // namespace lamina::normalizing
