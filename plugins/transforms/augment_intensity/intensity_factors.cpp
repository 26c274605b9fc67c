// Gamma, contrast and brightness: one random factor a channel.
#include "intensity_factors.hpp"

#include <algorithm>

#include <ATen/ATen.h>

namespace lamina {
namespace {

constexpr double kSmallest = 1e-7;

double number(const torch::Tensor& scalar) { return scalar.item<double>(); }

}  // namespace

void RandomGammaOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("p_channel", p_channel, "probability for each channel of a changed patch", Range{0, 1});
  o.field("range", range, "exponents, drawn below 1 as often as above", Range{0.01, 100});
  o.field("invert", invert, "bend the image turned dark for light");
  o.field("retain_stats", retain_stats, "give the channel its mean and standard deviation back");
}

void RandomGammaOptions::check(OptionErrors& errors, const std::string& where) const {
  intensity::check_range(range, errors, where + ".range");
}

RandomGamma::RandomGamma(const Options& options, const TransformContext&) : options_(options) {}

torch::Tensor RandomGamma::bend(const torch::Tensor& channel, double gamma) const {
  const double sign = options_.invert ? -1 : 1;
  const auto image = channel * sign;
  const double low = number(image.min()), spread = number(image.max()) - low;
  auto bent = ((image - low) / std::max(spread, kSmallest)).pow_(gamma).mul_(spread).add_(low);
  if (options_.retain_stats && image.numel() > 1) {
    const double ratio = number(image.std()) / std::max(number(bent.std()), kSmallest);
    bent.sub_(number(bent.mean())).mul_(ratio).add_(number(image.mean()));
  }
  return bent.mul_(sign);
}

Case RandomGamma::apply(Case one, Random& random) const {
  return intensity::change_channels(std::move(one), {options_.p, options_.p_channel}, random,
                                    [&](const torch::Tensor& channel, Random& draw) {
                                      return bend(channel, intensity::draw_factor(options_.range, draw));
                                    });
}

void RandomContrastOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("p_channel", p_channel, "probability for each channel of a changed patch", Range{0, 1});
  o.field("range", range, "factors about the mean, drawn below 1 as often as above", Range{0, 100});
  o.field("clamp", clamp, "keep values between the channel's own smallest and largest");
}

void RandomContrastOptions::check(OptionErrors& errors, const std::string& where) const {
  intensity::check_range(range, errors, where + ".range");
}

RandomContrast::RandomContrast(const Options& options, const TransformContext&) : options_(options) {}

torch::Tensor RandomContrast::stretch(const torch::Tensor& channel, double factor) const {
  const double mean = number(channel.mean());
  auto stretched = (channel - mean).mul_(factor).add_(mean);
  return options_.clamp ? stretched.clamp_(channel.min().item(), channel.max().item()) : stretched;
}

Case RandomContrast::apply(Case one, Random& random) const {
  return intensity::change_channels(std::move(one), {options_.p, options_.p_channel}, random,
                                    [&](const torch::Tensor& channel, Random& draw) {
                                      return stretch(channel, intensity::draw_factor(options_.range, draw));
                                    });
}

void RandomBrightnessOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("p_channel", p_channel, "probability for each channel of a changed patch", Range{0, 1});
  o.field("range", range, "factors of the values, drawn below 1 as often as above", Range{0, 100});
}

void RandomBrightnessOptions::check(OptionErrors& errors, const std::string& where) const {
  intensity::check_range(range, errors, where + ".range");
}

RandomBrightness::RandomBrightness(const Options& options, const TransformContext&) : options_(options) {}

Case RandomBrightness::apply(Case one, Random& random) const {
  return intensity::change_channels(std::move(one), {options_.p, options_.p_channel}, random,
                                    [&](const torch::Tensor& channel, Random& draw) {
                                      return channel * intensity::draw_factor(options_.range, draw);
                                    });
}

}  // namespace lamina
