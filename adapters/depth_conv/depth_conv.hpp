// A bottleneck with a 3D depthwise convolution: lets the slices of a 2D network see their neighbours (MaskSAM).
#pragma once

#include <lamina/model/bottleneck.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>

namespace lamina {

struct DepthConvOptions : BottleneckOptions {
  std::array<int64_t, 3> kernel{3, 3, 3};
  bool depthwise = true;
  std::string window_layout = "depth";
  void bind(OptionBinder& o);
};

/// u = GELU(W1 x), t = GELU(LayerNorm(DepthwiseConv3d(u))), y = W2 (u + t). Serial: output + scale * y(output).
/// Parallel: output + scale * y(input).
class DepthConvUnit : public BottleneckUnit {
 public:
  DepthConvUnit(const DepthConvOptions& options, const Site& site, const HostInfo& host);

 private:
  torch::Tensor mix(const torch::Tensor& hidden, const SiteCall& call) override;
  torch::Tensor convolve(const torch::Tensor& volume);

  bool release_windows_;
  torch::nn::Conv3d conv_{nullptr};     // "T_DWconv"
  torch::nn::LayerNorm norm_{nullptr};  // "norm"
};

class DepthConv : public Adapter {
 public:
  using Options = DepthConvOptions;
  DepthConv(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override;
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  Options options_;
};

}  // namespace lamina
