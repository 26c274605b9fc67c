// What MaskSAM reads from the stages of its generator beside masks: boxes and class tokens.
#include "heads.hpp"

#include <lamina/nn/boxes.hpp>

#include <torch/utils.h>

namespace lamina::masksam {
namespace {

// Each stage [B, c, D, h, w] averaged over the cells of a rows x columns grid per slice: [B, sum of c, D, rows,
// columns].
torch::Tensor pooled(const std::vector<torch::Tensor>& stages, const std::vector<int64_t>& size) {
  std::vector<torch::Tensor> parts;
  for (const torch::Tensor& stage : stages) {
    const torch::Tensor planes = at::adaptive_avg_pool2d(stage.flatten(1, 2), size);
    parts.push_back(planes.unflatten(1, {stage.size(1), stage.size(2)}));
  }
  return at::cat(parts, 1);
}

}  // namespace

torch::Tensor rows_of_queries(const torch::Tensor& maps) { return maps.transpose(1, 2).flatten(0, 2); }

BoxHead::BoxHead(int64_t channels, int64_t queries, bool norm)
    : conv_(register_module("0", std::make_shared<nn::Conv>(nn::ConvSpec{channels, queries, {1, 1, 1}, {1, 1, 1}}))) {
  if (norm) norm_ = register_module("1", std::make_shared<nn::InstanceNorm>(queries));
}

torch::Tensor BoxHead::forward(const std::vector<torch::Tensor>& stages) {
  torch::Tensor maps = conv_->forward(pooled(stages, {2, 2}));  // [B, Q, D, 2, 2]
  if (norm_) maps = norm_->forward(maps);
  // [N, (corner, part of the rest), (x, y)]
  return nn::boxes_of_fractions(rows_of_queries(maps).flatten(1).to(torch::kFloat32).sigmoid());
}

TokenHead::TokenHead(int64_t channels, int64_t queries, std::vector<int64_t> pool, int64_t dimensions)
    : pool_(std::move(pool)) {
  const int64_t along_depth = dimensions == 3 ? 3 : 1;
  conv_ =
      register_module("0", std::make_shared<nn::Conv>(nn::ConvSpec{channels, queries, {along_depth, 3, 3}, {1, 1, 1}}));
  norm_ = register_module("1", std::make_shared<nn::InstanceNorm>(queries));
}

torch::Tensor TokenHead::forward(const std::vector<torch::Tensor>& stages) {
  const torch::Tensor maps = at::gelu(norm_->forward(conv_->forward(pooled(stages, pool_))));  // [B, Q, D, kh, kw]
  return rows_of_queries(maps).flatten(1).unsqueeze(1);
}

}  // namespace lamina::masksam
