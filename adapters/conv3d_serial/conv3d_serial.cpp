// A bottleneck with a 3D convolution on the residual stream.
#include "conv3d_serial.hpp"

#include <lamina/base/error.hpp>
#include <lamina/model/depth_rows.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr double kNormEps = 1e-6;

torch::nn::Linear matrix(int64_t in, int64_t out) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
}

}  // namespace

void Conv3dSerialOptions::bind(OptionBinder& o) {
  o.field("channels", channels, "Hidden width, the same for every encoder", AtLeast{1});
  o.field("kernel", kernel, "Kernel size along depth, height and width", AtLeast{1}, Odd{});
  o.field("depthwise", depthwise, "One kernel per channel; false: a full convolution");
  o.field("init", init, "zero: starts as the identity; default: torch's own", OneOf{"zero", "default"});
  o.field("compat", compat, "release: as the released code does it (init default, whatever is said above)",
          OneOf{"repaired", "release"});
}

Conv3dSerialUnit::Conv3dSerialUnit(const Conv3dSerialOptions& options, const Site& site, const HostInfo& host) {
  require_depth_axis(host);
  const int64_t width = site.out_channels;
  norm_ = register_module("adapter_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kNormEps)));
  down_ = register_module("adapter_linear_down", matrix(width, options.channels));
  conv_ = register_module("adapter_conv", make_depth_conv(options.channels, options.kernel, options.depthwise));
  up_ = register_module("adapter_linear_up", matrix(options.channels, width));
  if (options.init == "default" || options.compat == "release") return;
  const torch::NoGradGuard no_grad;
  up_->weight.zero_();
}

torch::Tensor Conv3dSerialUnit::branch(const torch::Tensor& volume) {
  const torch::Tensor hidden = down_->forward(norm_->forward(volume));  // [N, D, h, w, H]
  return up_->forward(at::gelu(convolve_depth(conv_, hidden)));
}

torch::Tensor Conv3dSerialUnit::apply(const SiteCall& call) {
  if (call.site.layout == Layout::Volume)  // [B, C, D, H, W] -> channels last and back
    return call.output + branch(call.output.permute({0, 2, 3, 4, 1})).permute({0, 4, 1, 2, 3});
  require_depth_rows(call.output, call);
  return call.output + depth_back(branch(depth_beside_plane(call.output, call.axes)), call.axes);
}

Conv3dSerial::Conv3dSerial(const Options& options, const AdapterContext&) : options_(options) {}

std::vector<std::string> Conv3dSerial::default_sites() const {
  return {"encoder.blocks.*.input", "encoder.blocks.*.mid"};
}

std::shared_ptr<AdapterUnit> Conv3dSerial::attach(const Site& site, const HostInfo& host) {
  if (site.kind == SiteKind::Projection || site.layout == Layout::Tokens) {
    throw ConfigError(
        "conv3d_serial needs whole features on a grid of height and width; this site holds a list of tokens or a "
        "single linear map. Choose one such as 'encoder.blocks.*.input'");
  }
  return std::make_shared<Conv3dSerialUnit>(options_, site, host);
}

}  // namespace lamina
