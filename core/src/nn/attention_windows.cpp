// Attention in windows of a grid: by the kernel, which reads windows where they lie, or cut out and joined again.
#include <lamina/nn/attention.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/nn/window.hpp>

#include "nn/attention_kernel.hpp"

#include <vector>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

/// A run of windows along one axis, all with as many cells inside the grid.
struct Band {
  int64_t begin, end, inside;
};

std::vector<Band> bands(int64_t length, int64_t window) {
  const int64_t whole = length / window * window;
  std::vector<Band> result;
  if (whole > 0) result.push_back({0, whole, window});
  if (whole < length) result.push_back({whole, length, length - whole});
  return result;
}

torch::Tensor attention_cut_out(const torch::Tensor& qkv, const torch::Tensor& outside, const RelPosTables& tables,
                                int64_t heads, int64_t window, AttentionPath path) {
  std::vector<torch::Tensor> rows;
  for (const Band& y : bands(qkv.size(1), window)) {
    std::vector<torch::Tensor> columns;
    for (const Band& x : bands(qkv.size(2), window)) {
      const torch::Tensor piece = qkv.slice(1, y.begin, y.end).slice(2, x.begin, x.end);
      const torch::Tensor windows = window_partition(fill_windows(piece, outside, window), window);
      const torch::Tensor mixed = rel_pos_attention(windows, tables, heads, path, QueryArea{y.inside, x.inside});
      columns.push_back(window_unpartition(mixed, y.end - y.begin, x.end - x.begin));
    }
    rows.push_back(columns.size() == 1 ? columns[0] : at::cat(columns, 2));
  }
  return rows.size() == 1 ? rows[0] : at::cat(rows, 1);
}

}  // namespace

torch::Tensor rel_pos_window_attention(const torch::Tensor& qkv, const torch::Tensor& outside,
                                       const RelPosTables& tables, int64_t heads, int64_t window, AttentionPath path) {
  require_shape(qkv, {kAny, kAny, kAny, kAny}, "attention's queries, keys and values");
  require_shape(outside, {qkv.size(3)}, "queries, keys and values outside attention's grid");
  const auto* kernel = path == AttentionPath::Tiled ? kernel_for(qkv) : nullptr;
  const int64_t head_width = qkv.size(3) / (3 * heads);
  const bool fits = qkv.size(3) % (3 * heads) == 0 &&
                    tables.height.sizes() == torch::IntArrayRef{2 * window - 1, head_width} &&
                    tables.width.sizes() == tables.height.sizes();
  if (!kernel || !fits) return attention_cut_out(qkv, outside, tables, heads, window, path);
  const QueryArea whole{qkv.size(1), qkv.size(2)};
  const WindowSizes sizes{qkv.size(0), whole.height, whole.width, heads, head_width, {window, window}, whole};
  return kernel_attention(*kernel, qkv, sizes.reach_beyond() ? outside : torch::Tensor(), tables, sizes);
}

}  // namespace lamina::nn
