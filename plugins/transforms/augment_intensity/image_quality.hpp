// Noise, blur and low resolution: worse images of the same anatomy.
#pragma once

#include "channels.hpp"

#include <lamina/data/transform.hpp>

namespace lamina {

struct RandomNoiseOptions {
  double p = 0.1, p_channel = 1;
  std::array<double, 2> sd{0, 0.1};

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomNoise : public Transform {
 public:
  using Options = RandomNoiseOptions;
  RandomNoise(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;

 private:
  Options options_;
};

struct RandomBlurOptions {
  double p = 0.2, p_channel = 0.5;
  std::array<double, 2> sigma{0.5, 1};

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomBlur : public Transform {
 public:
  using Options = RandomBlurOptions;
  RandomBlur(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;
  /// Gaussian of `sigma` voxels along one axis of [D, H, W], cut near 3 sigma as nnU-Net does, borders reflected.
  static torch::Tensor smooth(const torch::Tensor& channel, int64_t axis, double sigma);

 private:
  Options options_;
};

struct RandomLowResolutionOptions {
  double p = 0.25, p_channel = 0.5;
  std::array<double, 2> range{0.5, 1};
  std::string in_plane = "auto";

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomLowResolution : public Transform {
 public:
  using Options = RandomLowResolutionOptions;
  RandomLowResolution(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;
  /// Takes the nearest voxels of a coarser grid and interpolates linearly back.
  torch::Tensor coarsen(const torch::Tensor& channel, double factor) const;

 private:
  Options options_;
  bool in_plane_;
};

}  // namespace lamina
