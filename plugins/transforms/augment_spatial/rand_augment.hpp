// A few picture operations, drawn anew for every patch (RandAugment, Cubuk et al. 2020, with MA-SAM's operations).
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

#include <array>
#include <string>
#include <vector>

namespace lamina {

struct RandAugmentOptions {
  int64_t count = 2;
  std::vector<std::string> operations{"shear",    "scale",      "translate", "posterize",
                                      "contrast", "brightness", "sharpness", "identity"};
  double shear = 0.3, translate = 0.2;
  std::array<double, 2> scale{0.8, 1.2}, contrast{0.7, 1.3}, brightness{0.7, 1.3}, sharpness{0.1, 1.9};
  std::array<int64_t, 2> bits{4, 8};
  bool quantize = true;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandAugment : public Transform {
 public:
  using Options = RandAugmentOptions;
  RandAugment(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;
  /// One operation with a strength of its own.
  Case run(const std::string& operation, Case one, Random& random) const;

 private:
  Options options_;
};

}  // namespace lamina
