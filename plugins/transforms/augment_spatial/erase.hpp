// A rectangle of noise in every slice, whose labels become background.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

#include <array>

namespace lamina {

struct RandomEraseOptions {
  double p = 0.5;
  std::array<double, 2> area{0.02, 0.05}, ratio{0.3, 3.3};

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomErase : public Transform {
 public:
  using Options = RandomEraseOptions;
  RandomErase(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;
  /// A rectangle in slices of this size.
  Box draw(const Size3& size, Random& random) const;

 private:
  Options options_;
};

}  // namespace lamina
