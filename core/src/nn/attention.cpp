// The entrance, and the plain formula.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/attention.hpp>
#include <lamina/nn/rel_pos.hpp>
#include <lamina/nn/shape_check.hpp>

#include "nn/attention_tiled.hpp"
#include "nn/device_attention.hpp"

#include <cmath>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

AttentionSizes sizes_of(const torch::Tensor& qkv, int64_t heads, const std::optional<QueryArea>& area) {
  require_shape(qkv, {kAny, kAny, kAny, kAny}, "attention's queries, keys and values");
  if (qkv.size(3) % (3 * heads) != 0) {
    throw Error(text("attention: ", qkv.size(3), " channels of queries, keys and values are no multiple of 3 x ", heads,
                     " heads"));
  }
  const AttentionSizes sizes{qkv.size(0),
                             qkv.size(1),
                             qkv.size(2),
                             heads,
                             qkv.size(3) / (3 * heads),
                             area.value_or(QueryArea{qkv.size(1), qkv.size(2)})};
  if (sizes.area.height > sizes.height || sizes.area.width > sizes.width) {
    throw Error(text("attention: queries of ", sizes.area.height, " x ", sizes.area.width, " tokens lie in a grid of ",
                     sizes.height, " x ", sizes.width));
  }
  return sizes;
}

torch::Tensor plain_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes) {
  const QueryArea whole{sizes.height, sizes.width};
  const torch::Tensor q = part_view(qkv, 0, sizes, sizes.area);
  const torch::Tensor k = part_view(qkv, 1, sizes, whole).flatten(2, 3),
                      v = part_view(qkv, 2, sizes, whole).flatten(2, 3);
  const torch::Tensor by_height = gather_rel_pos(tables.height, sizes.height).slice(0, 0, sizes.area.height);
  const torch::Tensor by_width = gather_rel_pos(tables.width, sizes.width).slice(0, 0, sizes.area.width);
  const double scale = 1.0 / std::sqrt(static_cast<double>(sizes.head_width));
  const torch::Tensor content = at::matmul(q.flatten(2, 3) * scale, k.transpose(2, 3));
  const torch::Tensor scores =
      content.view({sizes.images, sizes.heads, sizes.area.height, sizes.area.width, sizes.height, sizes.width}) +
      at::einsum("nayxd,yjd->nayxj", {q, by_height.to(q.scalar_type())}).unsqueeze(-1) +
      at::einsum("nayxd,xjd->nayxj", {q, by_width.to(q.scalar_type())}).unsqueeze(-2);
  const torch::ScalarType exact = q.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const torch::Tensor weights = at::softmax(scores.flatten(4).flatten(2, 3), -1, exact);  // [N, heads, queries, keys]
  const torch::Tensor result = at::matmul(weights.to(v.scalar_type()), v);                // [N, heads, queries, d]
  return result.transpose(1, 2).reshape({sizes.images, sizes.area.height, sizes.area.width, -1});
}

}  // namespace

torch::Tensor part_view(const torch::Tensor& fused, int64_t part, const AttentionSizes& sizes, const QueryArea& area) {
  return fused.unflatten(3, {3, sizes.heads, sizes.head_width})
      .select(3, part)
      .slice(1, 0, area.height)
      .slice(2, 0, area.width)
      .permute({0, 3, 1, 2, 4});
}

torch::Tensor rel_pos_attention(const torch::Tensor& qkv, const RelPosTables& tables, int64_t heads, AttentionPath path,
                                std::optional<QueryArea> area) {
  const AttentionSizes sizes = sizes_of(qkv, heads, area);
  require_shape(tables.height, {2 * sizes.height - 1, sizes.head_width}, "attention's table along the height");
  require_shape(tables.width, {2 * sizes.width - 1, sizes.head_width}, "attention's table along the width");
  if (path == AttentionPath::Plain) return plain_attention(qkv, tables, sizes);
  if (has_device_attention(qkv, tables, sizes)) return device_attention(qkv, tables, sizes);
  return tiled_attention(qkv, tables, sizes);
}

}  // namespace lamina::nn
