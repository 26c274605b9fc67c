// Quarter turns and mirror images of slices.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct RandomRotate90Options {
  double p = 0.5, p_flip = 0.5;

  void bind(OptionBinder& o);
};

class RandomRotate90 : public Transform {
 public:
  using Options = RandomRotate90Options;
  RandomRotate90(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;

 private:
  Options options_;
};

}  // namespace lamina
