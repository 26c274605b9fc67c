// Self-attention on a grid of tokens with SAM's decomposed relative position. The one place where attention of vision
// transformers is computed; faster kernels go behind this function.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <optional>

#include <torch/types.h>

namespace lamina::nn {

/// Plain: the formula, which keeps a score of every query and key. Tiled: the same numbers some query rows at a time,
/// with a backward of its own that recomputes the scores; it has no second derivative.
enum class AttentionPath { Tiled, Plain };

/// One row per distance along each axis, see rel_pos.hpp: height [2h-1, d], width [2w-1, d].
struct RelPosTables {
  torch::Tensor height, width;
};

/// The top left part of the grid whose tokens ask; all of them are asked.
struct QueryArea {
  int64_t height, width;
};

/// qkv [N, h, w, 3*C], fused as (q, k, v) x heads x d with C = heads * d -> [N, height, width, C] for the query area
/// (default: the grid). Scores are q.k / sqrt(d) + q.Rh + q.Rw with the unscaled q, softmax in float32 or better.
/// Gradients for qkv and both tables. Error when channels or tables do not fit.
LAMINA_API torch::Tensor rel_pos_attention(const torch::Tensor& qkv, const RelPosTables& tables, int64_t heads,
                                           AttentionPath path, std::optional<QueryArea> area = std::nullopt);

/// The same inside square windows of the grid, qkv [N, h, w, 3C] -> [N, h, w, C]; windows are counted from the top left
/// token, and tables are for a window. The last ones may reach beyond the grid: every token there has the keys and
/// values of `outside` [3C], and its query is not asked. Gradients for `outside`, too.
LAMINA_API torch::Tensor rel_pos_window_attention(const torch::Tensor& qkv, const torch::Tensor& outside,
                                                  const RelPosTables& tables, int64_t heads, int64_t window,
                                                  AttentionPath path);

}  // namespace lamina::nn
