#include <lamina/nn/sam_neck.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

torch::nn::Conv2d neck_conv(int64_t in, int64_t out, int64_t kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding((kernel - 1) / 2).bias(false));
}

}  // namespace

SamNeck::SamNeck(int64_t channels, int64_t out_channels) {
  narrow_ = register_module("0", neck_conv(channels, out_channels, 1));
  first_norm_ = register_module("1", std::make_shared<LayerNorm2d>(out_channels));
  smooth_ = register_module("2", neck_conv(out_channels, out_channels, 3));
  second_norm_ = register_module("3", std::make_shared<LayerNorm2d>(out_channels));
}

torch::Tensor SamNeck::forward(const torch::Tensor& tokens) {
  return second_norm_->forward(smooth_->forward(first_norm_->forward(narrow_->forward(tokens))));
}

}  // namespace lamina::nn
