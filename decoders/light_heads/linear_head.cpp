// Everything happens on cells and their children; only the class maps are brought into rows of pixels.
#include "linear_head.hpp"

#include <lamina/nn/sam_decoder.hpp>

#include <torch/utils.h>

namespace lamina {

void LinearHeadOptions::bind(OptionBinder& o) {
  o.field("upscale_channels", upscale_channels,
          "Channels behind each doubling of the resolution; empty: a quarter and an eighth of the embedding's, as SAM",
          AtLeast{1});
  o.field("compat", compat, "release: a ReLU behind the last layer, as the released code has it: no logit is negative",
          OneOf{"repaired", "release"});
}

LinearHead::LinearHead(const Options& options, const DecoderContext& context)
    : LightHead("linear_head", context), final_relu_(options.compat == "release") {
  const auto channels = nn::upscale_channels_of(options.upscale_channels, embedding().channels);
  doublings_ = std::ssize(channels);
  output_upscaling_ =
      register_module("output_upscaling", std::make_shared<nn::PixelDoublings>(embedding().channels, channels));
  auto stack = register_module("final", std::make_shared<torch::nn::Module>("stack"));
  mix_ = stack->register_module("0", std::make_shared<nn::MapPixels>(channels.back(), channels.back()));
  classify_ = stack->register_module("2", std::make_shared<nn::MapPixels>(channels.back(), classes()));
}

torch::Tensor LinearHead::logits(const torch::Tensor& embedding, const Axes&, Scene&) {
  const torch::Tensor pixels = output_upscaling_->forward(embedding.permute({0, 2, 3, 1}));  // [N, h, w, 4^k, c]
  torch::Tensor scores = classify_->forward(at::relu(mix_->forward(pixels)));                // [N, h, w, 4^k, K]
  if (final_relu_) scores = at::relu(scores);
  const torch::Tensor planes = scores.permute({0, 4, 1, 2, 3});
  return nn::image_of(planes.flatten(0, 1), doublings_).unflatten(0, {embedding.size(0), classes()});
}

}  // namespace lamina
