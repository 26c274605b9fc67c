// The bottleneck adapter: down to fewer channels, something in between, up again, added to the layer's output.
#pragma once

#include <lamina/model/adapter.hpp>
#include <lamina/options/binder.hpp>

#include <string>

#include <torch/nn/modules/linear.h>

namespace lamina {

/// Options of every bottleneck; a component derives from this, calls bind_bottleneck() and adds its own.
struct LAMINA_API BottleneckOptions {
  double ratio = 0.25;
  std::string init = "zero", placement = "serial", compat = "repaired";
  ConfigNode scale = ConfigNode::parse("1.0");
  void bind_bottleneck(OptionBinder& o);
  /// `also`: what else `compat: release` overrules, ", window_layout release".
  void bind_compat(OptionBinder& o, const std::string& also = "");
  void check(OptionErrors& errors, const std::string& where) const;
  bool released() const { return compat == "release"; }
};

/// u = GELU(W1 x), y = W2 (u + mix(u)). Serial: output + scale * y(output). Parallel: output + scale * y(input).
/// Parameters "D_fc1", "D_fc2" and, where it is learned, "scale" [1] (starts at 1, in parallel at 0.5). With `init:
/// zero` W2 starts at 0 and the network as it was. As MaskSAM's adapters (Xie et al., arXiv 2403.14103).
class LAMINA_API BottleneckUnit : public AdapterUnit {
 public:
  /// Throws ConfigError at a projection, and where prompts differ in number from slice to slice (no depth axis).
  BottleneckUnit(const BottleneckOptions& options, const Site& site, const HostInfo& host);
  ~BottleneckUnit() override;
  torch::Tensor apply(const SiteCall& call) final;

 protected:
  int64_t hidden_width() const { return hidden_; }
  /// `hidden` is channels last: [B, D, h, w, H] at volume sites, [B*D*Q*W, h, w, H] at grids, [B*D*Q*W, n, H] at token
  /// lists. Returns the same shape.
  virtual torch::Tensor mix(const torch::Tensor& hidden, const SiteCall& call) = 0;

 private:
  torch::Tensor branch(const torch::Tensor& input, const SiteCall& call);

  bool serial_;
  int64_t hidden_;
  double factor_ = 1;
  torch::Tensor scale_;  // undefined: factor_ instead
  torch::nn::Linear down_{nullptr}, up_{nullptr};
};

}  // namespace lamina
