// A bottleneck with a perceptron along depth: lets the prompts of neighbouring slices see each other (MaskSAM).
#pragma once

#include <lamina/model/bottleneck.hpp>

#include <memory>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>

namespace lamina {

struct DepthMlpOptions : BottleneckOptions {
  void bind(OptionBinder& o);
};

/// u = GELU(W1 x), t = V2 GELU(V1 u) along the T slices (T -> 4T -> T), y = W2 (u + t). Serial: output + scale *
/// y(output). Parallel: output + scale * y(input). T is fixed when the model is built.
class DepthMlpUnit : public BottleneckUnit {
 public:
  DepthMlpUnit(const DepthMlpOptions& options, int64_t depth, const Site& site, const HostInfo& host);

 private:
  torch::Tensor mix(const torch::Tensor& hidden, const SiteCall& call) override;

  int64_t depth_;
  torch::nn::Linear widen_{nullptr}, narrow_{nullptr};  // "T_fc1", "T_fc2"
};

class DepthMlp : public Adapter {
 public:
  using Options = DepthMlpOptions;
  DepthMlp(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override;
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  Options options_;
  int64_t depth_;
};

}  // namespace lamina
