// Clips every image to its own percentiles and scales it to 0..1.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct PercentileClipOptions {
  double low = 0.5, high = 99.5;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class PercentileClip : public Transform {
 public:
  using Options = PercentileClipOptions;
  PercentileClip(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;

 private:
  torch::Tensor rescale(const torch::Tensor& image) const;

  Options options_;
};

}  // namespace lamina
