#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/prompt_encoder.hpp>
#include <lamina/nn/shape_check.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr double kMaskNormEps = 1e-6;
constexpr int64_t kPointKinds = 4;  // background, object, two corners of a box

torch::nn::LayerNorm norm_of(int64_t channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(kMaskNormEps));
}

}  // namespace

PromptEncoder::PromptEncoder(const PromptEncoderSpec& spec)
    : spec_(spec), pe_layer_(register_module("pe_layer", std::make_shared<FourierPe>(spec.channels))) {
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t kind = 0; kind < kPointKinds; ++kind) {
    point_embeddings_.push_back(torch::nn::Embedding(1, spec.channels));
    children.push_back(point_embeddings_.back().ptr());
  }
  register_module("point_embeddings", make_list(children));
  not_a_point_embed_ = register_module("not_a_point_embed", torch::nn::Embedding(1, spec.channels));
  make_mask_downscaling();
  no_mask_embed_ = register_module("no_mask_embed", torch::nn::Embedding(1, spec.channels));
}

void PromptEncoder::make_mask_downscaling() {
  const int64_t hidden = spec_.mask_channels;
  auto stack = register_module("mask_downscaling", std::make_shared<torch::nn::Module>("stack"));
  merge_[0] = stack->register_module("0", std::make_shared<MergePixels>(1, hidden / 4));
  norm_[0] = stack->register_module("1", norm_of(hidden / 4));
  merge_[1] = stack->register_module("3", std::make_shared<MergePixels>(hidden / 4, hidden));
  norm_[1] = stack->register_module("4", norm_of(hidden));
  map_ = stack->register_module("6", std::make_shared<MapPixels>(hidden, spec_.channels));
}

torch::Tensor PromptEncoder::embed_positions(const torch::Tensor& pixels) const {
  const torch::Tensor frame = torch::tensor({spec_.frame[1], spec_.frame[0]}, pixels.options().dtype(torch::kFloat32));
  return pe_layer_->encode((pixels.to(torch::kFloat32) + spec_.centre) / frame);
}

torch::Tensor PromptEncoder::embed_points(const torch::Tensor& points, const torch::Tensor& labels) const {
  require_shape(points, {kAny, kAny, 2}, "point prompts");
  require_shape(labels, {points.size(0), points.size(1)}, "labels of point prompts");
  const torch::Tensor kinds =
      at::cat({not_a_point_embed_->weight, point_embeddings_[0]->weight, point_embeddings_[1]->weight});
  const torch::Tensor kind = kinds.index_select(0, labels.to(torch::kInt64).flatten() + 1)
                                 .view({labels.size(0), labels.size(1), spec_.channels});
  return embed_positions(points).masked_fill((labels == -1).unsqueeze(-1), 0) + kind;
}

torch::Tensor PromptEncoder::embed_boxes(const torch::Tensor& boxes) const {
  require_shape(boxes, {kAny, 4}, "box prompts");
  const torch::Tensor corners = at::cat({point_embeddings_[2]->weight, point_embeddings_[3]->weight});  // [2, C]
  return embed_positions(boxes.reshape({-1, 2, 2})) + corners;
}

torch::Tensor PromptEncoder::sparse(const torch::Tensor& points, const torch::Tensor& labels,
                                    const torch::Tensor& boxes) const {
  std::vector<torch::Tensor> tokens;
  if (points.defined()) tokens.push_back(embed_points(points, labels));
  if (boxes.defined()) {
    tokens.push_back(embed_boxes(boxes));
  } else if (points.defined()) {
    tokens.push_back(not_a_point_embed_->weight.expand({points.size(0), 1, spec_.channels}));
  }
  return tokens.empty() ? torch::Tensor() : at::cat(tokens, 1);
}

torch::Tensor PromptEncoder::dense(const torch::Tensor& mask_logits) const {
  require_shape(mask_logits, {kAny, 1, 4 * spec_.grid[0], 4 * spec_.grid[1]}, "mask prompts");
  auto merge = [this](const torch::Tensor& children, size_t level) {
    return at::gelu(norm_[level].ptr()->forward(merge_[level]->forward(children)));
  };
  const torch::Tensor pixels = cells_of(mask_logits.squeeze(1).to(torch::kFloat32), 2);  // [N, h, w, 16]
  const torch::Tensor fine = merge(pixels.unflatten(-1, {4, 4, 1}), 0);                  // [N, h, w, 4, hidden/4]
  return map_->forward(merge(fine, 1));                                                  // [N, h, w, C]
}

torch::Tensor PromptEncoder::no_mask() const { return no_mask_embed_->weight.view({1, 1, 1, spec_.channels}); }

torch::Tensor PromptEncoder::dense_pe() const {
  return pe_layer_->grid(spec_.grid, {spec_.frame[0] / spec_.stride[0], spec_.frame[1] / spec_.stride[1]}).unsqueeze(0);
}

}  // namespace lamina::nn
