// Convolutions with batch norm, and TinyViT's blocks made of them.
#include "conv_blocks.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <torch/utils.h>

namespace lamina::mobile_sam {
namespace {

constexpr int64_t kColours = 3;
constexpr int64_t kExpansion = 4;

torch::nn::Conv2d make_conv(const ConvNormSpec& spec) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(spec.in_channels, spec.out_channels, spec.kernel)
                               .stride(spec.stride)
                               .padding((spec.kernel - 1) / 2)
                               .groups(spec.groups)
                               .bias(false));
}

/// One value per channel has no spread: it would be divided by zero and leave NaN in the running statistics.
void require_spread(const torch::Tensor& cells) {
  if (cells.numel() > cells.size(1)) return;
  throw ConfigError(
      text("model.encoder: batch norm cannot train on one slice of 1 x 1 cells; take a larger "
           "train.patch or train.batch, or freeze the encoder (train.trainable)"));
}

}  // namespace

ConvNorm::ConvNorm(const ConvNormSpec& spec)
    : conv_(register_module("c", make_conv(spec))),
      norm_(register_module("bn", torch::nn::BatchNorm2d(spec.out_channels))) {
  const torch::NoGradGuard no_grad;
  norm_->weight.fill_(spec.scale);
}

torch::Tensor ConvNorm::forward(const torch::Tensor& grid, Pass pass) {
  const torch::Tensor cells = conv_->forward(grid.permute({0, 3, 1, 2}));
  const bool by_batch = norm_->is_training();
  if (by_batch) require_spread(cells);
  const bool keep = !by_batch || pass == Pass::First;  // without a place to keep them, statistics are not updated
  if (by_batch && keep) norm_->num_batches_tracked.add_(1);
  const torch::Tensor mean = keep ? norm_->running_mean : torch::Tensor();
  const torch::Tensor variance = keep ? norm_->running_var : torch::Tensor();
  return at::batch_norm(cells, norm_->weight, norm_->bias, mean, variance, by_batch, norm_->options.momentum().value(),
                        norm_->options.eps(), at::globalContext().userEnabledCuDNN())
      .permute({0, 2, 3, 1});
}

PatchEmbed::PatchEmbed(int64_t channels)
    : first_(std::make_shared<ConvNorm>(ConvNormSpec{kColours, channels / 2, 3, 2})),
      second_(std::make_shared<ConvNorm>(ConvNormSpec{channels / 2, channels, 3, 2})) {
  const auto seq = register_module("seq", std::make_shared<torch::nn::Module>("seq"));
  seq->register_module("0", first_);
  seq->register_module("2", second_);  // 1 is the activation
}

torch::Tensor PatchEmbed::forward(const torch::Tensor& slices, Pass pass) {
  return second_->forward(at::gelu(first_->forward(slices, pass)), pass);
}

ThreeConvs::ThreeConvs(const Spec& spec)
    : first_(register_module("conv1", std::make_shared<ConvNorm>(ConvNormSpec{spec.in_channels, spec.hidden}))),
      depthwise_(register_module(
          "conv2", std::make_shared<ConvNorm>(ConvNormSpec{spec.hidden, spec.hidden, 3, spec.stride, spec.hidden}))),
      last_(register_module("conv3", std::make_shared<ConvNorm>(
                                         ConvNormSpec{spec.hidden, spec.out_channels, 1, 1, 1, spec.last_scale}))) {}

torch::Tensor ThreeConvs::convolve(const torch::Tensor& grid, Pass pass) {
  const torch::Tensor wide = at::gelu(first_->forward(grid, pass));
  return last_->forward(at::gelu(depthwise_->forward(wide, pass)), pass);
}

MbConv::MbConv(SiteHost& host, const std::string& path, int64_t channels)
    : ThreeConvs({channels, kExpansion * channels, channels, 1, /*last_scale=*/0}),
      host_(host),
      input_(host.add_site(grid_site(path + ".input", SiteKind::Stream, channels))),
      output_(host.add_site(grid_site(path + ".output", SiteKind::Stream, channels))) {}

torch::Tensor MbConv::forward(const torch::Tensor& grid, const Axes& axes, Scene& scene, Pass pass) {
  const torch::Tensor x = host_.through(input_, grid, grid, axes, scene);
  const torch::Tensor y = at::gelu(x + convolve(x, pass));
  return host_.through(output_, y, y, axes, scene);
}

PatchMerging::PatchMerging(int64_t in_channels, int64_t out_channels, int64_t stride)
    : ThreeConvs({in_channels, out_channels, out_channels, stride, 1}) {}

torch::Tensor PatchMerging::forward(const torch::Tensor& grid, const Axes&, Scene&, Pass pass) {
  return convolve(grid, pass);
}

}  // namespace lamina::mobile_sam
