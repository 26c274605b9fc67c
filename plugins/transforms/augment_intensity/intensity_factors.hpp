// Gamma, contrast and brightness: one random factor a channel.
#pragma once

#include "channels.hpp"

#include <lamina/data/transform.hpp>

namespace lamina {

struct RandomGammaOptions {
  double p = 0.3, p_channel = 1;
  std::array<double, 2> range{0.7, 1.5};
  bool invert = false, retain_stats = true;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomGamma : public Transform {
 public:
  using Options = RandomGammaOptions;
  RandomGamma(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;
  /// Raises the channel, scaled to 0..1, to the power `gamma`.
  torch::Tensor bend(const torch::Tensor& channel, double gamma) const;

 private:
  Options options_;
};

struct RandomContrastOptions {
  double p = 0.15, p_channel = 1;
  std::array<double, 2> range{0.75, 1.25};
  bool clamp = true;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomContrast : public Transform {
 public:
  using Options = RandomContrastOptions;
  RandomContrast(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;
  /// Stretches the channel about its mean.
  torch::Tensor stretch(const torch::Tensor& channel, double factor) const;

 private:
  Options options_;
};

struct RandomBrightnessOptions {
  double p = 0.15, p_channel = 1;
  std::array<double, 2> range{0.75, 1.25};

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class RandomBrightness : public Transform {
 public:
  using Options = RandomBrightnessOptions;
  RandomBrightness(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;

 private:
  Options options_;
};

}  // namespace lamina
