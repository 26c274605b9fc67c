// Cutting a grid of tokens into square windows and joining them again.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>

#include <torch/types.h>

namespace lamina::nn {

/// How many windows of `size` cover `length` cells; the last one may reach beyond.
constexpr int64_t windows_along(int64_t length, int64_t size) { return (length + size - 1) / size; }

/// [N, h, w, C] -> [N*rows*columns, size, size, C], windows of one image row by row. Zeros fill the last windows at the
/// bottom and at the right, as in segment-anything.
LAMINA_API torch::Tensor window_partition(const torch::Tensor& grid, int64_t size);

/// [N, h, w, C] with `value` [C] below and to the right of it, up to whole windows: what the filling is where zeros in
/// front of a layer have passed through it.
LAMINA_API torch::Tensor fill_windows(torch::Tensor grid, const torch::Tensor& value, int64_t size);

/// The way back to [N, height, width, C]; windows may be rectangles, what reaches beyond the grid is cut off.
LAMINA_API torch::Tensor window_unpartition(const torch::Tensor& windows, int64_t height, int64_t width);

}  // namespace lamina::nn
