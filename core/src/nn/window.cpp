#include <lamina/nn/shape_check.hpp>
#include <lamina/nn/window.hpp>

#include <torch/utils.h>

namespace lamina::nn {

torch::Tensor window_partition(const torch::Tensor& grid, int64_t size) {
  require_shape(grid, {kAny, kAny, kAny, kAny}, "the grid to cut into windows");
  const int64_t rows = windows_along(grid.size(1), size), columns = windows_along(grid.size(2), size);
  const int64_t below = rows * size - grid.size(1), right = columns * size - grid.size(2);
  const torch::Tensor padded =
      below == 0 && right == 0 ? grid : at::constant_pad_nd(grid, {0, 0, 0, right, 0, below}, 0);
  return padded.unflatten(2, {columns, size})
      .unflatten(1, {rows, size})
      .transpose(2, 3)  // [N, rows, columns, size, size, C]
      .flatten(0, 2)
      .contiguous();
}

torch::Tensor fill_windows(torch::Tensor grid, const torch::Tensor& value, int64_t size) {
  const int64_t below = windows_along(grid.size(1), size) * size - grid.size(1);
  const int64_t right = windows_along(grid.size(2), size) * size - grid.size(2);
  const torch::Tensor cell = value.to(grid.scalar_type());
  if (right > 0) grid = at::cat({grid, cell.expand({grid.size(0), grid.size(1), right, -1})}, 2);
  if (below > 0) grid = at::cat({grid, cell.expand({grid.size(0), below, grid.size(2), -1})}, 1);
  return grid;
}

torch::Tensor window_unpartition(const torch::Tensor& windows, int64_t height, int64_t width) {
  const int64_t window_height = windows.size(1), window_width = windows.size(2);
  const int64_t rows = windows_along(height, window_height), columns = windows_along(width, window_width);
  require_shape(windows, {kAny, kAny, kAny, kAny}, "the windows to join");
  const torch::Tensor joined = windows.unflatten(0, {-1, rows, columns})
                                   .transpose(2, 3)  // [N, rows, window height, columns, window width, C]
                                   .flatten(3, 4)
                                   .flatten(1, 2);  // [N, rows * window height, columns * window width, C]
  return joined.slice(1, 0, height).slice(2, 0, width).contiguous();
}

}  // namespace lamina::nn
