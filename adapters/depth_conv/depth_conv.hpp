// A bottleneck with a 3D depthwise convolution: lets the slices of a 2D network see their neighbours (MaskSAM).
#pragma once

#include <lamina/model/adapter.hpp>
#include <lamina/options/binder.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

namespace lamina {

struct DepthConvOptions {
  double ratio = 0.25, scale = 1.0;
  std::array<int64_t, 3> kernel{3, 3, 3};
  bool depthwise = true;
  std::string init = "zero", placement = "serial", window_layout = "depth", compat = "repaired";
  void bind(OptionBinder& o);
};

/// u = GELU(W1 x), t = GELU(LayerNorm(DepthwiseConv3d(u))), y = W2 (u + t). Serial: output + scale * y(output).
/// Parallel: output + scale * y(input).
class DepthConvUnit : public AdapterUnit {
 public:
  DepthConvUnit(const DepthConvOptions& options, const Site& site);
  torch::Tensor apply(const SiteCall& call) override;

 private:
  torch::Tensor branch(const torch::Tensor& volume);
  torch::Tensor on_grid(const torch::Tensor& input, const SiteCall& call);

  DepthConvOptions options_;
  torch::nn::Linear down_{nullptr}, up_{nullptr};  // "D_fc1", "D_fc2"
  torch::nn::Conv3d conv_{nullptr};                // "T_DWconv"
  torch::nn::LayerNorm norm_{nullptr};             // "norm"
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
