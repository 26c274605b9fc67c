// A regular grid of points over an image.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>

#include <torch/types.h>

namespace lamina::nn {

/// Points (x, y) at the centres of n x n equal fields over `height` x `width` pixels: float64 [n*n, 2], x fastest.
LAMINA_API torch::Tensor point_grid(int64_t n, int64_t height, int64_t width);

}  // namespace lamina::nn
