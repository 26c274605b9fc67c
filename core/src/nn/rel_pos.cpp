#include <lamina/nn/rel_pos.hpp>
#include <lamina/nn/shape_check.hpp>

#include <torch/utils.h>

namespace lamina::nn {

torch::Tensor resize_rel_pos(const torch::Tensor& table, int64_t size) {
  require_shape(table, {kAny, kAny}, "a table of relative position");
  const int64_t rows = 2 * size - 1;
  if (table.size(0) == rows) return table;
  const torch::Tensor lines = table.t().unsqueeze(0);  // [1, d, rows]
  return at::upsample_linear1d(lines, {rows}, /*align_corners=*/false).squeeze(0).t().contiguous();
}

torch::Tensor gather_rel_pos(const torch::Tensor& table, int64_t size) {
  require_shape(table, {2 * size - 1, kAny}, "a table of relative position");
  const torch::Tensor cells = at::arange(size, table.options().dtype(torch::kInt64));
  const torch::Tensor distance = cells.unsqueeze(1) - cells.unsqueeze(0) + (size - 1);  // [query, key]
  return table.index_select(0, distance.flatten()).view({size, size, -1});
}

}  // namespace lamina::nn
