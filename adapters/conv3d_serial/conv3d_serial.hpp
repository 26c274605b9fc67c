// A bottleneck with a 3D convolution on the residual stream: lets slices see their neighbours (MA-SAM, Chen et al.,
// arXiv 2309.08842).
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

struct Conv3dSerialOptions {
  int64_t channels = 384;
  std::array<int64_t, 3> kernel{3, 1, 1};
  bool depthwise = false;
  std::string init = "zero", compat = "repaired";
  void bind(OptionBinder& o);
};

/// output + W2 GELU(Conv3d(W1 LayerNorm(output))), zeros beyond the first and the last slice. W1 and W2 have no bias.
class Conv3dSerialUnit : public AdapterUnit {
 public:
  Conv3dSerialUnit(const Conv3dSerialOptions& options, const Site& site, const HostInfo& host);
  torch::Tensor apply(const SiteCall& call) override;

 private:
  /// [N, D, h, w, C] -> the same shape.
  torch::Tensor branch(const torch::Tensor& volume);

  torch::nn::LayerNorm norm_{nullptr};             // "adapter_norm"
  torch::nn::Linear down_{nullptr}, up_{nullptr};  // "adapter_linear_down", "adapter_linear_up"
  torch::nn::Conv3d conv_{nullptr};                // "adapter_conv"
};

class Conv3dSerial : public Adapter {
 public:
  using Options = Conv3dSerialOptions;
  Conv3dSerial(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override;
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  Options options_;
};

}  // namespace lamina
