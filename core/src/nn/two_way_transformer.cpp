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

TwoWayBlock::TwoWayBlock(SiteHost& host, const std::string& path, const TwoWaySpec& spec, Start start) : start_(start) {
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

void TwoWayBlock::forward(torch::Tensor& tokens, ImageKeys& keys, const torch::Tensor& token_position,
                          const PromptAxes& axes, Scene& scene) {
  if (start_ == Start::First) {
    tokens = self_attn_->among_tokens(tokens, {}, axes, scene);
  } else {
    tokens = tokens + self_attn_->among_tokens(tokens, token_position, axes, scene);
  }
  tokens = norms_[0]->forward(tokens);
  tokens = norms_[1]->forward(tokens +
                              cross_attn_token_to_image_->tokens_from_image(tokens, token_position, keys, axes, scene));
  tokens = norms_[2]->forward(tokens + mlp_->forward(tokens, axes.tokens, scene));
  const torch::Tensor read = cross_attn_image_to_token_->image_from_tokens(keys, tokens, token_position, axes, scene);
  keys.rows = norms_[3]->forward(keys.per_prompt(axes.grid.image_index) + read);
  keys.shared = false;
}

TwoWayTransformer::TwoWayTransformer(SiteHost& host, const TwoWaySpec& spec) {
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < spec.depth; ++i) {
    const auto start = i == 0 ? TwoWayBlock::Start::First : TwoWayBlock::Start::Later;
    layers_.push_back(std::make_shared<TwoWayBlock>(host, text("layers.", i), spec, start));
    children.push_back(layers_.back());
  }
  register_module("layers", make_list(children));
  final_attn_token_to_image_ =
      register_module("final_attn_token_to_image",
                      std::make_shared<DecoderAttention>(host, "final_attn_token_to_image",
                                                         attention_of(spec, Layout::Tokens, Layout::Grid)));
  norm_final_attn_ =
      register_module("norm_final_attn", torch::nn::LayerNorm(torch::nn::LayerNormOptions({spec.channels})));
}

TwoWayTransformer::Result TwoWayTransformer::forward(const torch::Tensor& tokens, ImageKeys image,
                                                     const PromptAxes& axes, Scene& scene) {
  Result result;
  result.tokens = tokens;
  for (const auto& layer : layers_) {
    layer->forward(result.tokens, image, tokens, axes, scene);
    result.layers.push_back(result.tokens);
  }
  const torch::Tensor read = final_attn_token_to_image_->tokens_from_image(result.tokens, tokens, image, axes, scene);
  result.tokens = norm_final_attn_->forward(result.tokens + read);
  result.image = image.rows;
  return result;
}

}  // namespace lamina::nn
