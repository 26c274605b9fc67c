// Mirrors patches along axes where that keeps the labels' meaning.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct RandomFlipOptions {
  double p = 0.5;
  std::vector<std::string> axes;

  void bind(OptionBinder& o);
};

class RandomFlip : public Transform {
 public:
  using Options = RandomFlipOptions;
  RandomFlip(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;

 private:
  Options options_;
  std::vector<int64_t> axes_;  // 0: z, 1: y, 2: x
};

}  // namespace lamina
