// A bottleneck with a 3D depthwise convolution: lets the slices of a 2D network see their neighbours (MaskSAM).
#include "depth_conv.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/shape_check.hpp>

#include <algorithm>
#include <cmath>

#include <torch/torch.h>

namespace lamina {
namespace {

constexpr double kNormEps = 1e-6;

// Rows of the leading axis are ordered (batch, depth, queries, windows). Brings depth beside height and width:
// [B*D*Q*W, h, w, C] -> [B*Q*W, D, h, w, C].
torch::Tensor depth_beside_plane(const torch::Tensor& grid, const Axes& axes) {
  return grid.unflatten(0, {axes.batch, axes.depth, axes.queries * axes.windows}).transpose(1, 2).flatten(0, 1);
}

torch::Tensor depth_back(const torch::Tensor& volume, const Axes& axes) {
  return volume.unflatten(0, {axes.batch, axes.queries * axes.windows}).transpose(1, 2).flatten(0, 2);
}

}  // namespace

void DepthConvOptions::bind(OptionBinder& o) {
  o.field("ratio", ratio, "Hidden width as a fraction of the channels", Range{0.01, 1.0});
  o.field("kernel", kernel, "Kernel size along depth, height and width", AtLeast{1}, Odd{});
  o.field("depthwise", depthwise, "One kernel per channel; false: a full convolution");
  o.field("init", init, "zero: starts as the identity; default: torch's own", OneOf{"zero", "default"});
  o.field("placement", placement, "Read the sublayer's output (serial) or its input (parallel)",
          OneOf{"serial", "parallel"});
  o.field("scale", scale, "Factor on the branch", Range{0.0, 10.0});
  o.field("window_layout", window_layout,
          "In windowed attention: neighbours in true depth, or the rows that the released code takes for them",
          OneOf{"depth", "release"});
  o.field("compat", compat,
          "release: as the released code does it (init default, window_layout release), whatever those two say",
          OneOf{"repaired", "release"});
}

DepthConvUnit::DepthConvUnit(const DepthConvOptions& options, const Site& site) : options_(options) {
  if (options_.compat == "release") {
    options_.init = "default";
    options_.window_layout = "release";
  }
  const int64_t in = options_.placement == "serial" ? site.out_channels : site.in_channels;
  const int64_t hidden =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(site.out_channels) * options_.ratio));
  const auto& kernel = options_.kernel;
  auto conv = torch::nn::Conv3dOptions(hidden, hidden, {kernel[0], kernel[1], kernel[2]});
  // One statement each: torch's setter for padding hands back a copy, so what is chained to it is lost.
  conv.groups(options_.depthwise ? hidden : 1);
  conv.padding(torch::ExpandingArray<3>({(kernel[0] - 1) / 2, (kernel[1] - 1) / 2, (kernel[2] - 1) / 2}));
  down_ = register_module("D_fc1", torch::nn::Linear(in, hidden));
  conv_ = register_module("T_DWconv", torch::nn::Conv3d(conv));
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({hidden}).eps(kNormEps)));
  up_ = register_module("D_fc2", torch::nn::Linear(hidden, site.out_channels));
  if (options_.init != "zero") return;
  torch::NoGradGuard no_grad;
  up_->weight.zero_();
  up_->bias.zero_();
}

torch::Tensor DepthConvUnit::branch(const torch::Tensor& volume) {
  const torch::Tensor hidden = at::gelu(down_->forward(volume));  // [N, D, h, w, H]
  // A channels-last view goes in, so torch picks its channels-last convolution: several times faster on the CPU.
  const torch::Tensor mixed = conv_->forward(hidden.permute({0, 4, 1, 2, 3})).permute({0, 2, 3, 4, 1});
  return up_->forward(hidden + at::gelu(norm_->forward(mixed)));
}

torch::Tensor DepthConvUnit::on_grid(const torch::Tensor& input, const SiteCall& call) {
  Axes axes = call.axes;
  if (axes.queries == 0)
    throw Error(
        text("depth_conv at '", call.site.path, "': prompts that differ from slice to slice have no depth axis"));
  nn::require_shape(input, {axes.batch * axes.depth * axes.queries * axes.windows, nn::kAny, nn::kAny, nn::kAny},
                    text("depth_conv's input at '", call.site.path, "'"));
  if (options_.window_layout == "release") {
    // The released code takes the fastest rows for depth: with windows these are windows of one slice.
    return branch(input.unflatten(0, {-1, axes.depth})).flatten(0, 1);
  }
  return depth_back(branch(depth_beside_plane(input, axes)), axes);
}

torch::Tensor DepthConvUnit::apply(const SiteCall& call) {
  const torch::Tensor& input = options_.placement == "serial" ? call.output : call.input;
  if (call.site.layout == Layout::Volume) {
    const torch::Tensor volume = branch(input.permute({0, 2, 3, 4, 1})).permute({0, 4, 1, 2, 3});
    return call.output + options_.scale * volume;
  }
  return call.output + options_.scale * on_grid(input, call);
}

DepthConv::DepthConv(const Options& options, const AdapterContext&) : options_(options) {}

std::vector<std::string> DepthConv::default_sites() const {
  return {"encoder.stages.*.output", "encoder.blocks.*.attn.out"};
}

std::shared_ptr<AdapterUnit> DepthConv::attach(const Site& site, const HostInfo& host) {
  if (site.kind == SiteKind::Projection) {
    throw ConfigError(
        "depth_conv needs whole features; this site is a single linear map (a projection). Choose the site of its "
        "block, as '....out'");
  }
  if (site.layout == Layout::Tokens) {
    throw ConfigError(
        "depth_conv needs features on a grid of height and width; this site holds a list of tokens. The adapter "
        "depth_mlp is for those");
  }
  if (!host.prompts.kinds.empty() && host.prompts.queries == 0) {
    throw ConfigError(
        "depth_conv needs the same prompts on every slice, but this prompter makes a number that differs from slice to "
        "slice");
  }
  return std::make_shared<DepthConvUnit>(options_, site);
}

}  // namespace lamina
