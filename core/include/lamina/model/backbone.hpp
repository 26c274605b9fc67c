// The encoder.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/model/features.hpp>
#include <lamina/model/scene.hpp>
#include <lamina/nn/site.hpp>

#include <vector>

#include <torch/nn/module.h>

namespace lamina {

struct BackboneContext {
  int64_t image_channels = 1;
  Size3 patch{1, 1, 1};
};

class LAMINA_API Backbone : public torch::nn::Module, public SiteHost {
 public:
  static constexpr const char* kKind = "backbone";
  using Interface = Backbone;
  using Context = BackboneContext;
  ~Backbone() override;

  /// Called once, after its adapters are attached: tables that depend on the grid are made here. `image` is the shape
  /// behind the stem.
  virtual void settle(Shape image) = 0;
  /// Read after settle().
  virtual std::vector<FeatureSpec> features() const = 0;
  /// image [B, C, D, H, W]; keeps only the features in `wanted`.
  virtual Features encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) = 0;
  /// Fits pretrained tensors to this network, e.g. resizes position tables. Default: as they are.
  virtual StateDict fit_weights(StateDict pretrained) const;
};

}  // namespace lamina
