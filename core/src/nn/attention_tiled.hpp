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

/// Of qkv [N, h, w, 3 * heads * d], for calls of autograd's functions.
inline AttentionSizes sizes_of_fused(const torch::Tensor& qkv, int64_t heads, QueryArea area) {
  return {qkv.size(0), qkv.size(1), qkv.size(2), heads, qkv.size(3) / (3 * heads), area};
}

/// Both tables, turned so that rows run from the nearest to the farthest key, one below the other: [2h-1 + 2w-1, d].
torch::Tensor turned_tables(const RelPosTables& tables, torch::ScalarType type);
/// The reverse, for their gradient: shapes and types of `like`.
RelPosTables turned_back(const torch::Tensor& turned, const RelPosTables& like);

/// Throws where a backward pass records a history.
void refuse_second_derivative();

torch::Tensor tiled_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes);

}  // namespace lamina::nn
