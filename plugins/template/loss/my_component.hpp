// Loss my_component: cross-entropy that cares less for voxels that are right already, (1 - p)^gamma * -log p
// (Lin et al., Focal Loss for Dense Object Detection, 2017, equation 4).
#pragma once

#include <lamina/objective/loss.hpp>
#include <lamina/options/binder.hpp>

namespace my_component {

struct Options {
  double gamma = 2;

  void bind(lamina::OptionBinder& o) {
    o.field("gamma", gamma, "0: plain cross-entropy; larger: hard voxels count more", lamina::Range{0, 10});
  }
};

class MyComponent : public lamina::Loss {
 public:
  using Options = my_component::Options;
  MyComponent(const Options& options, const lamina::LossSetup& setup);
  std::vector<lamina::LossTerm> compute(const lamina::Prediction& prediction, const lamina::Batch& batch,
                                        const lamina::LossContext& context) override;

 private:
  Options options_;
  lamina::LossSetup setup_;
};

}  // namespace my_component
