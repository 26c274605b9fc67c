// Clips values to a fixed window and scales it to 0..1.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct ClipRangeOptions {
  double low = -200, high = 250;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class ClipRange : public Transform {
 public:
  using Options = ClipRangeOptions;
  ClipRange(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;

 private:
  Options options_;
};

}  // namespace lamina
