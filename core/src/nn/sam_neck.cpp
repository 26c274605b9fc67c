#include <lamina/nn/sam_neck.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

torch::nn::Conv2d neck_conv(int64_t in, int64_t out, int64_t kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding((kernel - 1) / 2).bias(false));
}

}  // namespace

SamNeck::SamNeck(SiteHost& host, int64_t channels, int64_t out_channels)
    : host_(host),
      input_(host.add_site(grid_site("neck.input", SiteKind::Stream, channels))),
      out_(host.add_site(grid_site("neck.out", SiteKind::Stream, out_channels))) {
  narrow_ = register_module("0", neck_conv(channels, out_channels, 1));
  first_norm_ = register_module("1", std::make_shared<LayerNorm2d>(out_channels));
  smooth_ = register_module("2", neck_conv(out_channels, out_channels, 3));
  second_norm_ = register_module("3", std::make_shared<LayerNorm2d>(out_channels));
}

torch::Tensor SamNeck::forward(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  const torch::Tensor cells = host_.through(input_, grid, grid, axes, scene).permute({0, 3, 1, 2});
  const torch::Tensor narrow = first_norm_->forward(narrow_->forward(cells));
  const torch::Tensor out = second_norm_->forward(smooth_->forward(narrow)).permute({0, 2, 3, 1});
  return host_.through(out_, out, out, axes, scene).permute({0, 3, 1, 2});
}

}  // namespace lamina::nn
