// Gamma, contrast and brightness: one random factor a channel.
#pragma once

#include "channels.hpp"

#include <lamina/data/transform.hpp>

namespace lamina {

struct FactorOptions {
  double p = 0.15, p_channel = 1;
  std::array<double, 2> range{0.75, 1.25};
  void check(OptionErrors& errors, const std::string& where) const;

 protected:
  void bind_odds(OptionBinder& o);
};

/// Draws a factor for every channel that it changes.
class FactorTransform : public Transform {
 public:
  Case apply(Case one, Random& random) const final;
  virtual torch::Tensor change(const torch::Tensor& channel, double factor) const = 0;

 protected:
  explicit FactorTransform(const FactorOptions& options) : odds_{options.p, options.p_channel}, range_(options.range) {}

 private:
  intensity::Odds odds_;
  std::array<double, 2> range_;
};

struct RandomGammaOptions : FactorOptions {
  bool invert = false, retain_stats = true;
  RandomGammaOptions() : FactorOptions{0.3, 1, {0.7, 1.5}} {}
  void bind(OptionBinder& o);
};

class RandomGamma : public FactorTransform {
 public:
  using Options = RandomGammaOptions;
  RandomGamma(const Options& options, const TransformContext&) : FactorTransform(options), options_(options) {}
  /// Raises the channel, scaled to 0..1, to the power `factor`.
  torch::Tensor change(const torch::Tensor& channel, double factor) const override;

 private:
  Options options_;
};

struct RandomContrastOptions : FactorOptions {
  bool clamp = true;
  void bind(OptionBinder& o);
};

class RandomContrast : public FactorTransform {
 public:
  using Options = RandomContrastOptions;
  RandomContrast(const Options& options, const TransformContext&) : FactorTransform(options), clamp_(options.clamp) {}
  /// Stretches the channel about its mean.
  torch::Tensor change(const torch::Tensor& channel, double factor) const override;

 private:
  bool clamp_;
};

struct RandomBrightnessOptions : FactorOptions {
  void bind(OptionBinder& o);
};

class RandomBrightness : public FactorTransform {
 public:
  using Options = RandomBrightnessOptions;
  RandomBrightness(const Options& options, const TransformContext&) : FactorTransform(options) {}
  torch::Tensor change(const torch::Tensor& channel, double factor) const override { return channel * factor; }
};

}  // namespace lamina
