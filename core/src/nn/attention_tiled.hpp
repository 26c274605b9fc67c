// Attention some query rows at a time; see lamina/nn/attention.hpp.
#pragma once

#include <lamina/nn/attention.hpp>

namespace lamina::nn {

/// Sizes of one call. Tokens of the keys: height * width; of the queries: area.height * area.width.
struct AttentionSizes {
  int64_t images, height, width, heads, head_width;
  QueryArea area;
  int64_t keys() const { return height * width; }
  int64_t queries() const { return area.height * area.width; }
};

/// View of part 0, 1 or 2 (q, k, v) of a fused tensor, of the tokens in `area`: [N, heads, area.height, area.width, d].
torch::Tensor part_view(const torch::Tensor& fused, int64_t part, const AttentionSizes& sizes, const QueryArea& area);

torch::Tensor tiled_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes);

}  // namespace lamina::nn
