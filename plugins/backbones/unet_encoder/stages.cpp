// The two kinds of stages of the encoder, with nnU-Net's parameter names.
#include "stages.hpp"

#include <algorithm>

#include <torch/utils.h>

namespace lamina::unet_encoder {

PlainStage::PlainStage(int64_t count, const nn::ConvSpec& spec)
    : convs_(register_module("0", std::make_shared<nn::ConvStack>(count, spec))) {}

torch::Tensor PlainStage::forward(torch::Tensor input) { return convs_->forward(std::move(input)); }

ResidualBlock::ResidualBlock(const nn::ConvSpec& spec) {
  nn::ConvSpec second = spec;
  second.in_channels = spec.out_channels;
  second.stride.assign(spec.stride.size(), 1);
  conv1_ = register_module("conv1", std::make_shared<nn::ConvBlock>(spec));
  conv2_ = register_module("conv2", std::make_shared<nn::ConvBlock>(second, nn::Activation::None));
  conv2_->norm().start_at_zero();

  if (std::any_of(spec.stride.begin(), spec.stride.end(), [](int64_t stride) { return stride != 1; }))
    pool_ = spec.stride;
  if (spec.in_channels == spec.out_channels) return;
  const std::vector<int64_t> ones(spec.stride.size(), 1);
  projection_ = std::make_shared<nn::ConvBlock>(nn::ConvSpec{spec.in_channels, spec.out_channels, ones, ones, false},
                                                nn::Activation::None);
  // "skip.1" behind a pooling "skip.0", which has no parameters.
  auto skip = register_module("skip", std::make_shared<torch::nn::Module>("skip"));
  skip->register_module(pool_.empty() ? "0" : "1", projection_);
}

torch::Tensor ResidualBlock::skip(torch::Tensor input) {
  if (!pool_.empty())
    input = pool_.size() == 3 ? at::avg_pool3d(input, pool_, pool_) : at::avg_pool2d(input, pool_, pool_);
  return projection_ ? projection_->forward(input) : input;
}

torch::Tensor ResidualBlock::forward(const torch::Tensor& input) {
  return nn::leaky(conv2_->forward(conv1_->forward(input)).add_(skip(input)));
}

ResidualStage::ResidualStage(int64_t count, const nn::ConvSpec& spec) {
  nn::ConvSpec next = spec;
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < count; ++i) {
    blocks_.push_back(std::make_shared<ResidualBlock>(next));
    children.push_back(blocks_.back());
    next.in_channels = spec.out_channels;
    next.stride.assign(spec.stride.size(), 1);
  }
  register_module("blocks", nn::make_list(children));
}

torch::Tensor ResidualStage::forward(torch::Tensor input) {
  for (const auto& block : blocks_) input = block->forward(input);
  return input;
}

}  // namespace lamina::unet_encoder
