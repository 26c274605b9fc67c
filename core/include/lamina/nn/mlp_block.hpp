// The two-layer perceptron of transformer blocks, with sites for adapters.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/site.hpp>

#include <memory>
#include <string>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::nn {

class PackedLinear;

/// A linear map whose weight and bias a Projection site hands to adapters: "weight" [out, in], "bias" [out].
/// Starts as torch's Linear does. In bfloat16 without a history, it keeps a packed copy of its weight (2 bytes each).
class LAMINA_API SiteLinear : public torch::nn::Module {
 public:
  /// Publishes `path` on the host, which must outlive this. `parts`: fused maps side by side in the output.
  SiteLinear(SiteHost& host, const std::string& path, Layout layout, int64_t in, int64_t out, int64_t parts = 1);
  torch::Tensor forward(const torch::Tensor& input, const Axes& axes, Scene& scene);
  /// The exact gelu of forward().
  torch::Tensor forward_gelu(const torch::Tensor& input, const Axes& axes, Scene& scene);
  torch::Tensor weight() const { return weight_; }
  torch::Tensor bias() const { return bias_; }
  /// Whether an adapter sits here; where none does, callers may compute the same map in another order.
  bool occupied() const { return host_.occupied(site_); }

 private:
  SiteHost& host_;
  torch::Tensor weight_, bias_;
  SiteId site_;
  std::shared_ptr<PackedLinear> packed_;
};

/// Gelu is the exact (erf) one.
enum class MlpActivation { Gelu, Relu };

/// lin2(activation(lin1(x))) over the last axis. Sites: <path>.lin1, <path>.lin2 (projections), <path>.out (sublayer).
class LAMINA_API MlpBlock : public torch::nn::Module {
 public:
  MlpBlock(SiteHost& host, const std::string& path, Layout layout, int64_t channels, int64_t hidden,
           MlpActivation activation);
  torch::Tensor forward(const torch::Tensor& input, const Axes& axes, Scene& scene);

 private:
  torch::Tensor layers(const torch::Tensor& input, const Axes& axes, Scene& scene);
  torch::Tensor in_pieces(const torch::Tensor& input, const Axes& axes, Scene& scene);

  SiteHost& host_;
  std::shared_ptr<SiteLinear> lin1_, lin2_;
  MlpActivation activation_;
  SiteId out_;
};

}  // namespace lamina::nn
