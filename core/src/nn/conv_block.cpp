// Convolution blocks of U-Nets, in two or three dimensions, with nnU-Net's parameter names.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/conv_block.hpp>

#include "nn/norm_leaky.hpp"

#include <c10/core/MemoryFormat.h>
#include <c10/util/strides.h>

#include <torch/nn/init.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr double kLeakySlope = 0.01;
constexpr double kInstanceNormEps = 1e-5;

std::vector<int64_t> same_padding(const std::vector<int64_t>& kernel) {
  std::vector<int64_t> padding;
  for (const int64_t size : kernel) padding.push_back((size - 1) / 2);
  return padding;
}

std::vector<int64_t> weight_shape(const ConvSpec& spec, bool transposed) {
  std::vector<int64_t> shape{spec.out_channels, spec.in_channels};
  if (transposed) std::swap(shape[0], shape[1]);
  shape.insert(shape.end(), spec.kernel.begin(), spec.kernel.end());
  return shape;
}

std::vector<int64_t> strides_of(at::IntArrayRef sizes, MemoryFormat format) {
  if (format == MemoryFormat::ChannelsLast) {
    return sizes.size() == 5 ? c10::get_channels_last_strides_3d(sizes) : c10::get_channels_last_strides_2d(sizes);
  }
  const auto strides = c10::contiguous_strides(sizes);
  return {strides.begin(), strides.end()};
}

}  // namespace

torch::Tensor lay_out(const torch::Tensor& tensor, MemoryFormat format) {
  const bool last = format == MemoryFormat::ChannelsLast;
  const torch::Tensor laid = tensor.contiguous(!last               ? at::MemoryFormat::Contiguous
                                               : tensor.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                                                                   : at::MemoryFormat::ChannelsLast);
  // torch calls one channel contiguous in both layouts and leaves the strides as they were.
  return tensor.size(1) == 1 ? laid.as_strided(tensor.sizes(), strides_of(tensor.sizes(), format)) : laid;
}

torch::Tensor leaky(torch::Tensor input) { return at::leaky_relu_(input, kLeakySlope); }

Conv::Conv(const ConvSpec& spec, Direction direction)
    : stride_(spec.stride), padding_(same_padding(spec.kernel)), transposed_(direction == Direction::Transposed) {
  if (spec.kernel.size() != spec.stride.size()) {
    throw Error(text("a convolution has ", spec.kernel.size(), " kernel sizes but ", spec.stride.size(), " strides"));
  }
  if (transposed_) padding_.assign(spec.kernel.size(), 0);
  weight_ = register_parameter("weight", torch::empty(weight_shape(spec, transposed_)));
  torch::nn::init::kaiming_normal_(weight_, kLeakySlope);
  if (spec.bias) bias_ = register_parameter("bias", torch::zeros({spec.out_channels}));
}

torch::Tensor Conv::forward(const torch::Tensor& input) {
  // By these names: autocast on the CPU knows them and not at::convolution.
  const bool flat = stride_.size() == 2;
  if (!transposed_) {
    return flat ? at::conv2d(input, weight_, bias_, stride_, padding_)
                : at::conv3d(input, weight_, bias_, stride_, padding_);
  }
  return flat ? at::conv_transpose2d(input, weight_, bias_, stride_, padding_)
              : at::conv_transpose3d(input, weight_, bias_, stride_, padding_);
}

InstanceNorm::InstanceNorm(int64_t channels)
    : weight_(register_parameter("weight", torch::ones({channels}))),
      bias_(register_parameter("bias", torch::zeros({channels}))) {}

torch::Tensor InstanceNorm::forward(const torch::Tensor& input, Activation activation) {
  return norm_leaky(input, weight_, bias_, kInstanceNormEps, activation == Activation::LeakyRelu ? kLeakySlope : 1);
}

void InstanceNorm::start_at_zero() {
  torch::NoGradGuard no_grad;
  weight_.zero_();
  bias_.zero_();
}

ConvBlock::ConvBlock(const ConvSpec& spec, Activation activation)
    : conv_(register_module("conv", std::make_shared<Conv>(spec))),
      norm_(register_module("norm", std::make_shared<InstanceNorm>(spec.out_channels))),
      activation_(activation) {}

torch::Tensor ConvBlock::forward(const torch::Tensor& input) {
  return norm_->forward(conv_->forward(input), activation_);
}

ConvStack::ConvStack(int64_t count, const ConvSpec& spec) {
  ConvSpec next = spec;
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < count; ++i) {
    convs_.push_back(std::make_shared<ConvBlock>(next));
    children.push_back(convs_.back());
    next.in_channels = spec.out_channels;
    next.stride.assign(spec.stride.size(), 1);
  }
  register_module("convs", make_list(children));
}

torch::Tensor ConvStack::forward(torch::Tensor input) {
  for (const auto& block : convs_) input = block->forward(input);
  return input;
}

std::shared_ptr<torch::nn::Module> make_list(const std::vector<std::shared_ptr<torch::nn::Module>>& modules) {
  auto list = std::make_shared<torch::nn::Module>("list");
  for (size_t i = 0; i < modules.size(); ++i) list->register_module(std::to_string(i), modules[i]);
  return list;
}

}  // namespace lamina::nn
