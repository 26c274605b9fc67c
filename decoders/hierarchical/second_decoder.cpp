// Tokens of its own, masked attention, pixels at the image's resolution.
#include "second_decoder.hpp"

#include <lamina/base/text.hpp>

#include <torch/utils.h>

namespace lamina::hierarchical {
namespace {

// Norms that every masked attention of the released code has and never applies.
constexpr int64_t kUnusedNorms[] = {196, 9, 1024};
constexpr int64_t kQualityLayers = 3;

nn::TwoWaySpec with_prefix(nn::TwoWaySpec spec, const std::string& prefix) {
  spec.prefix = prefix;
  return spec;
}

}  // namespace

SecondDecoder::SecondDecoder(SiteHost& host, const std::string& prefix, const SecondDecoderSpec& spec) : spec_(spec) {
  const int64_t channels = spec.transformer.channels, first = spec.upscale_channels.back();
  transformer2_ = register_module("transformer2",
                                  std::make_shared<nn::TwoWayTransformer>(host, with_prefix(spec.transformer, prefix)));
  mask_tokens_ = register_module("mask_tokens", torch::nn::Embedding(spec.classes, channels));
  output_upscaling_ =
      register_module("output_upscaling", std::make_shared<nn::PixelDoublings>(channels, spec.upscale_channels));
  const std::vector<int64_t> finer{first, first / 2};
  skip_connect_ = register_module(
      "skip_connect",
      std::make_shared<nn::PixelDoublings>(spec.pixel_skip ? 2 * first : first, finer, nn::DoublingNorms::All));
  output_hypernetworks_mlps2_ =
      register_module("output_hypernetworks_mlps2",
                      std::make_shared<nn::HyperNetworks>(spec.classes, channels, finer.back(), spec.hyper_layers));
  if (spec.gate) gate_.emplace(*this, host, prefix, *spec.gate);
  if (spec.unused_tensors) make_unused(channels, spec.classes, spec.transformer.depth);
}

void SecondDecoder::make_unused(int64_t channels, int64_t classes, int64_t layers) {
  register_module("iou_prediction_head", std::make_shared<nn::Mlp>(channels, channels, classes, kQualityLayers));
  auto modules = transformer2_->named_modules();
  for (int64_t layer = 0; layer < layers; ++layer) {
    for (const char* attention : {"cross_attn_token_to_image", "cross_attn_image_to_token"}) {
      for (size_t i = 0; i < std::size(kUnusedNorms); ++i)
        modules[text("layers.", layer, ".", attention)]->register_module(
            text("norm", i + 1), torch::nn::LayerNorm(torch::nn::LayerNormOptions({kUnusedNorms[i]})));
    }
  }
}

SecondDecoder::Result SecondDecoder::forward(nn::ImageKeys keys, const torch::Tensor& maps, const torch::Tensor& pixels,
                                             const nn::PromptAxes& axes, const nn::TwoWayChanges& changes,
                                             Scene& scene) {
  Result result;
  if (gate_) {
    result.gate = gate_->forward(maps, axes, scene);
    keys.rows = keys.rows + keys.rows * result.gate;
  }
  const torch::Tensor tokens = mask_tokens_->weight.expand({maps.size(0), spec_.classes, spec_.transformer.channels});
  const auto mixed = transformer2_->forward(tokens, keys, axes, scene, changes);
  torch::Tensor own = output_upscaling_->forward(mixed.image);  // [N, h, w, 16, c]
  if (spec_.pixel_skip) own = at::cat({own, pixels}, -1);
  result.masks = output_hypernetworks_mlps2_->masks(mixed.tokens, skip_connect_->forward(own));
  return result;
}

}  // namespace lamina::hierarchical
