// Random turns, sizes and shifts of patches: one at a time (rotate, scale) or in one interpolation (affine).
#pragma once

#include "warp.hpp"

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

/// How far a spatial transform goes and which axes it touches; shared by the three components.
struct SpatialLimits {
  std::string in_plane = "auto";
  double max_reach = 1.6;

  void bind(OptionBinder& o);
};

struct RandomRotateOptions {
  double p = 0.2;
  std::vector<double> degrees;
  SpatialLimits limits;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

struct RandomScaleOptions {
  double p = 0.2;
  std::array<double, 2> range{0.7, 1.4};
  SpatialLimits limits;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

struct RandomAffineOptions {
  double p_rotate = 0.2, p_scale = 0.2, p_shift = 0;
  std::vector<double> degrees;
  std::array<double, 2> range{0.7, 1.4};
  double shift = 0.1;
  SpatialLimits limits;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomAffine : public Transform {
 public:
  using Options = RandomAffineOptions;
  RandomAffine(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;
  std::array<double, 3> reach() const override;

 private:
  std::array<double, 3> draw_angles(Random& random) const;
  std::array<double, 3> draw_shift(Random& random) const;

  Options options_;
  Size3 patch_;
  bool in_plane_;
  std::array<double, 3> degrees_;  // largest angles about z, y, x
};

class RandomRotate : public RandomAffine {
 public:
  using Options = RandomRotateOptions;
  RandomRotate(const Options& options, const TransformContext& context);
};

class RandomScale : public RandomAffine {
 public:
  using Options = RandomScaleOptions;
  RandomScale(const Options& options, const TransformContext& context);
};

}  // namespace lamina
