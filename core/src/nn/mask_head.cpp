#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/mask_head.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr double kUpscalingNormEps = 1e-6;
constexpr int64_t kMlpLayers = 3;

}  // namespace

MaskHead::MaskHead(torch::nn::Module& owner, const MaskHeadSpec& spec) : spec_(spec) {
  iou_token_ = owner.register_module("iou_token", torch::nn::Embedding(1, spec.channels));
  mask_tokens_ = owner.register_module("mask_tokens", torch::nn::Embedding(spec.mask_tokens, spec.channels));
  make_upscaling(owner);
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < spec.mask_tokens; ++i) {
    hypernetworks_.push_back(
        std::make_shared<Mlp>(spec.channels, spec.channels, spec.upscale_channels.back(), kMlpLayers));
    children.push_back(hypernetworks_.back());
  }
  owner.register_module("output_hypernetworks_mlps", make_list(children));
  // The reference's hidden width is 256, which is its number of channels.
  iou_prediction_head_ = owner.register_module(
      "iou_prediction_head", std::make_shared<Mlp>(spec.channels, spec.channels, spec.mask_tokens, kMlpLayers));
}

// Transposed convolution, norm, GELU per doubling, no norm in the last: indices 0, 1, 3 (4, 6, 7, 9) of the reference.
void MaskHead::make_upscaling(torch::nn::Module& owner) {
  auto stack = owner.register_module("output_upscaling", std::make_shared<torch::nn::Module>("stack"));
  int64_t in = spec_.channels;
  for (size_t i = 0; i < spec_.upscale_channels.size(); ++i) {
    const int64_t out = spec_.upscale_channels[i];
    splits_.push_back(stack->register_module(std::to_string(3 * i), std::make_shared<SplitPixels>(in, out)));
    if (i + 1 == spec_.upscale_channels.size()) break;
    norms_.push_back(stack->register_module(std::to_string(3 * i + 1),
                                            torch::nn::LayerNorm(torch::nn::LayerNormOptions({out}).eps(kUpscalingNormEps))));
    in = out;
  }
}

torch::Tensor MaskHead::tokens() const { return at::cat({iou_token_->weight, mask_tokens_->weight}); }

torch::Tensor MaskHead::upscale(const torch::Tensor& image) const {
  torch::Tensor pixels = image;
  for (size_t i = 0; i < splits_.size(); ++i) {
    pixels = splits_[i]->forward(pixels);  // [N, h, w, 4, ..., 4, c]
    if (i < norms_.size()) pixels = norms_[i].ptr()->forward(pixels);
    pixels = at::gelu(pixels);
  }
  return pixels.flatten(3, -2);
}

torch::Tensor MaskHead::masks(const torch::Tensor& tokens, const torch::Tensor& pixels, int64_t first,
                              int64_t count) const {
  std::vector<torch::Tensor> weights;
  for (int64_t i = first; i < first + count; ++i)
    weights.push_back(hypernetworks_[static_cast<size_t>(i)]->forward(tokens.select(1, 1 + i)));
  const torch::Tensor weight = at::stack(weights, 2);                    // [N, c, count]
  const torch::Tensor cells = at::matmul(pixels.flatten(1, 3), weight);  // [N, h*w*4^k, count]
  const torch::Tensor rows = cells.transpose(1, 2).flatten(0, 1).unflatten(1, pixels.sizes().slice(1, 3));
  return image_of(rows, doublings()).unflatten(0, {pixels.size(0), count});  // [N, count, H, W]
}

torch::Tensor MaskHead::quality(const torch::Tensor& tokens) const {
  return iou_prediction_head_->forward(tokens.select(1, 0));
}

}  // namespace lamina::nn
