#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/mask_head.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr double kUpscalingNormEps = 1e-6;
constexpr int64_t kMlpLayers = 3;
constexpr size_t kSequenceStep = 3;  // transposed convolution, norm, GELU

// k of 4^k.
int64_t levels_of(int64_t children) {
  int64_t levels = 0;
  while (int64_t{1} << (2 * levels) < children) ++levels;
  return levels;
}

}  // namespace

PixelDoublings::PixelDoublings(int64_t in, const std::vector<int64_t>& channels, DoublingNorms norms) {
  const size_t with_norm = channels.size() - (norms == DoublingNorms::All ? 0 : 1);
  for (size_t i = 0; i < channels.size(); ++i) {
    const size_t index = kSequenceStep * i;
    splits_.push_back(register_module(std::to_string(index), std::make_shared<SplitPixels>(in, channels[i])));
    in = channels[i];
    if (i < with_norm)
      norms_.push_back(register_module(std::to_string(index + 1),
                                       torch::nn::LayerNorm(torch::nn::LayerNormOptions({in}).eps(kUpscalingNormEps))));
  }
}

torch::Tensor PixelDoublings::forward(const torch::Tensor& cells) const {
  torch::Tensor pixels = cells;
  for (size_t i = 0; i < splits_.size(); ++i) {
    pixels = splits_[i]->forward(pixels);  // [N, h, w, (P,) 4, ..., 4, c]
    if (i < norms_.size()) pixels = norms_[i].ptr()->forward(pixels);
    pixels = at::gelu(pixels);
  }
  return pixels.flatten(3, -2);
}

HyperNetworks::HyperNetworks(int64_t count, int64_t channels, int64_t out, int64_t layers) {
  for (int64_t i = 0; i < count; ++i)
    networks_.push_back(register_module(std::to_string(i), std::make_shared<Mlp>(channels, channels, out, layers)));
}

torch::Tensor HyperNetworks::masks(const torch::Tensor& tokens, const torch::Tensor& pixels, int64_t first) const {
  const int64_t count = tokens.size(1);
  std::vector<torch::Tensor> weights;
  for (int64_t i = 0; i < count; ++i)
    weights.push_back(networks_[static_cast<size_t>(first + i)]->forward(tokens.select(1, i)));
  const torch::Tensor weight = at::stack(weights, 2);                    // [N, c, M]
  const torch::Tensor cells = at::matmul(pixels.flatten(1, 3), weight);  // [N, h*w*4^k, M]
  const torch::Tensor rows = cells.transpose(1, 2).flatten(0, 1).unflatten(1, pixels.sizes().slice(1, 3));
  return image_of(rows, levels_of(pixels.size(3))).unflatten(0, {pixels.size(0), count});
}

MaskHead::MaskHead(torch::nn::Module& owner, const MaskHeadSpec& spec) : spec_(spec) {
  iou_token_ = owner.register_module("iou_token", torch::nn::Embedding(spec.sets, spec.channels));
  mask_tokens_ =
      owner.register_module("mask_tokens", torch::nn::Embedding(spec.sets * spec.mask_tokens, spec.channels));
  output_upscaling_ =
      owner.register_module("output_upscaling", std::make_shared<PixelDoublings>(spec.channels, spec.upscale_channels));
  output_hypernetworks_mlps_ = owner.register_module(
      "output_hypernetworks_mlps",
      std::make_shared<HyperNetworks>(spec.mask_tokens, spec.channels, spec.upscale_channels.back(), kMlpLayers));
  // The reference's hidden width is 256, which is its number of channels.
  iou_prediction_head_ = owner.register_module(
      "iou_prediction_head", std::make_shared<Mlp>(spec.channels, spec.channels, spec.mask_tokens, kMlpLayers));
}

torch::Tensor MaskHead::tokens() const {
  const torch::Tensor masks = mask_tokens_->weight.unflatten(0, {spec_.sets, spec_.mask_tokens});
  return at::cat({iou_token_->weight.unsqueeze(1), masks}, 1);
}

torch::Tensor MaskHead::upscale(const torch::Tensor& image) const { return output_upscaling_->forward(image); }

torch::Tensor MaskHead::masks(const torch::Tensor& tokens, const torch::Tensor& pixels, int64_t first,
                              int64_t count) const {
  return output_hypernetworks_mlps_->masks(tokens.slice(1, 1 + first, 1 + first + count), pixels, first);
}

torch::Tensor MaskHead::quality(const torch::Tensor& tokens) const {
  return iou_prediction_head_->forward(tokens.select(1, 0));
}

}  // namespace lamina::nn
