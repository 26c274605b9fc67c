#include <lamina/base/text.hpp>
#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/two_way_transformer.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

DecoderAttentionSpec attention_of(const TwoWaySpec& spec, Layout queries, Layout keys) {
  const bool tokens_only = queries == Layout::Tokens && keys == Layout::Tokens;
  return {spec.channels, tokens_only ? spec.channels : spec.channels / spec.downsample, spec.heads, queries, keys};
}

}  // namespace

TwoWayBlock::TwoWayBlock(SiteHost& host, const std::string& path, const TwoWaySpec& spec, Start start)
    : start_(start), order_(spec.order) {
  auto attention = [&](const char* name, Layout queries, Layout keys) {
    return register_module(
        name, std::make_shared<DecoderAttention>(host, text(path, ".", name), attention_of(spec, queries, keys)));
  };
  self_attn_ = attention("self_attn", Layout::Tokens, Layout::Tokens);
  cross_attn_token_to_image_ = attention("cross_attn_token_to_image", Layout::Tokens, Layout::Grid);
  mlp_ = register_module("mlp", std::make_shared<MlpBlock>(host, path + ".mlp", Layout::Tokens, spec.channels,
                                                           spec.mlp_channels, MlpActivation::Relu));
  cross_attn_image_to_token_ = attention("cross_attn_image_to_token", Layout::Grid, Layout::Tokens);
  for (const char* name : {"norm1", "norm2", "norm3", "norm4"})
    norms_.push_back(register_module(name, torch::nn::LayerNorm(torch::nn::LayerNormOptions({spec.channels}))));
}

torch::Tensor TwoWayBlock::read_tokens(const torch::Tensor& tokens, const torch::Tensor& position,
                                       const PromptAxes& axes, Scene& scene) {
  if (start_ == Start::First) return norms_[0]->forward(self_attn_->among_tokens(tokens, {}, axes, scene));
  return norms_[0]->forward(tokens + self_attn_->among_tokens(tokens, position, axes, scene));
}

torch::Tensor TwoWayBlock::read_image(const torch::Tensor& tokens, const ImageKeys& keys, const torch::Tensor& position,
                                      const PromptAxes& axes, Scene& scene, const TwoWayChanges& changes) {
  torch::Tensor read = cross_attn_token_to_image_->tokens_from_image(tokens, position, keys, axes, scene, changes.gate);
  if (changes.dropout > 0) read = at::dropout(read, changes.dropout, true);
  return norms_[1]->forward(tokens + read);
}

void TwoWayBlock::forward(torch::Tensor& tokens, ImageKeys& keys, const torch::Tensor& token_position,
                          const PromptAxes& axes, Scene& scene, const TwoWayChanges& changes) {
  if (order_ == LayerOrder::TokensFirst) tokens = read_tokens(tokens, token_position, axes, scene);
  tokens = read_image(tokens, keys, token_position, axes, scene, changes);
  if (order_ == LayerOrder::ImageFirst) tokens = read_tokens(tokens, token_position, axes, scene);
  tokens = norms_[2]->forward(tokens + mlp_->forward(tokens, axes.tokens, scene));
  const torch::Tensor read =
      cross_attn_image_to_token_->image_from_tokens(keys, tokens, token_position, axes, scene, changes.gate);
  keys.rows = norms_[3]->forward(keys.per_prompt(axes.grid.image_index) + read);
  keys.shared = false;
}

TwoWayTransformer::TwoWayTransformer(SiteHost& host, const TwoWaySpec& spec) {
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < spec.depth; ++i) {
    const auto start = i == 0 ? TwoWayBlock::Start::First : TwoWayBlock::Start::Later;
    layers_.push_back(std::make_shared<TwoWayBlock>(host, text(spec.prefix, "layers.", i), spec, start));
    children.push_back(layers_.back());
  }
  register_module("layers", make_list(children));
  DecoderAttentionSpec closing = attention_of(spec, Layout::Tokens, Layout::Grid);
  closing.inner = spec.channels / spec.final_downsample;
  final_attn_token_to_image_ =
      register_module("final_attn_token_to_image",
                      std::make_shared<DecoderAttention>(host, spec.prefix + "final_attn_token_to_image", closing));
  norm_final_attn_ =
      register_module("norm_final_attn", torch::nn::LayerNorm(torch::nn::LayerNormOptions({spec.channels})));
}

TwoWayTransformer::Result TwoWayTransformer::forward(const torch::Tensor& tokens, ImageKeys image,
                                                     const PromptAxes& axes, Scene& scene,
                                                     const TwoWayChanges& changes) {
  Result result;
  result.tokens = tokens;
  for (const auto& layer : layers_) {
    layer->forward(result.tokens, image, tokens, axes, scene, changes);
    result.layers.push_back(result.tokens);
  }
  const torch::Tensor read = final_attn_token_to_image_->tokens_from_image(result.tokens, tokens, image, axes, scene);
  result.tokens = norm_final_attn_->forward(result.tokens + read);
  result.image = image.rows;
  return result;
}

}  // namespace lamina::nn
