// A bottleneck with a 3D depthwise convolution: lets the slices of a 2D network see their neighbours (MaskSAM).
#include "depth_conv.hpp"

#include <lamina/base/error.hpp>
#include <lamina/model/depth_rows.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr double kNormEps = 1e-6;

}  // namespace

void DepthConvOptions::bind(OptionBinder& o) {
  bind_bottleneck(o);
  o.field("kernel", kernel, "Kernel size along depth, height and width", AtLeast{1}, Odd{});
  o.field("depthwise", depthwise, "One kernel per channel; false: a full convolution");
  o.field("window_layout", window_layout,
          "In windowed attention: neighbours in true depth, or the rows that the released code takes for them",
          OneOf{"depth", "release"});
  bind_compat(o, ", window_layout release");
}

DepthConvUnit::DepthConvUnit(const DepthConvOptions& options, const Site& site, const HostInfo& host)
    : BottleneckUnit(options, site, host), release_windows_(options.window_layout == "release" || options.released()) {
  const int64_t width = hidden_width();
  conv_ = register_module("T_DWconv", make_depth_conv(width, options.kernel, options.depthwise));
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kNormEps)));
}

torch::Tensor DepthConvUnit::convolve(const torch::Tensor& volume) {
  return at::gelu(norm_->forward(convolve_depth(conv_, volume)));  // [N, D, h, w, H]
}

torch::Tensor DepthConvUnit::mix(const torch::Tensor& hidden, const SiteCall& call) {
  if (call.site.layout == Layout::Volume) return convolve(hidden);
  const Axes& axes = call.axes;
  if (release_windows_ && axes.windows > 1) {
    // The released code takes the fastest rows for depth, and with windows these are windows of one slice.
    return convolve(hidden.unflatten(0, {-1, axes.depth})).flatten(0, 1);
  }
  return depth_back(convolve(depth_beside_plane(hidden, axes)), axes);
}

DepthConv::DepthConv(const Options& options, const AdapterContext&) : options_(options) {}

std::vector<std::string> DepthConv::default_sites() const {
  return {"encoder.stages.*.output", "encoder.blocks.*.attn.out"};
}

std::shared_ptr<AdapterUnit> DepthConv::attach(const Site& site, const HostInfo& host) {
  if (site.layout == Layout::Tokens && site.kind != SiteKind::Projection) {
    throw ConfigError(
        "depth_conv needs features on a grid of height and width; this site holds a list of tokens. The adapter "
        "depth_mlp is for those");
  }
  return std::make_shared<DepthConvUnit>(options_, site, host);
}

}  // namespace lamina
