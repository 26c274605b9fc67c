// All cases on one voxel spacing, as nnU-Net resamples them.
#pragma once

#include "volume_resize.hpp"

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct ResampleOptions {
  ConfigNode spacing = ConfigNode::parse("\"median\"");
  double separate_above = 3;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class Resample : public Transform {
 public:
  using Options = ResampleOptions;
  Resample(const Options& options, const TransformContext& context);

  TensorDict fit(const std::vector<std::string>& training_ids,
                 const std::function<Case(const std::string&)>& load) override;
  void restore(const TensorDict& state) override;
  Case apply(Case one, Random& random) const override;
  std::unique_ptr<SlabSink> inverse(const Frame& before, const Frame& after, SlabSink& next) const override;

 private:
  bool is_fitted_rule() const { return options_.spacing.is_string(); }
  resampling::Spacing3 target_spacing(const Frame& frame) const;
  Volume resample(const Volume& volume, resampling::Content content) const;

  Options options_;
  bool two_dimensional_;                          // z stays as it is under a fitted spacing
  std::array<std::optional<double>, 3> spacing_;  // z, y, x; none: as the case has it
  bool ready_;
};

}  // namespace lamina
