// Gamma, contrast and brightness: one random factor a channel.
#include "intensity_factors.hpp"

#include <algorithm>

#include <ATen/ATen.h>

namespace lamina {
namespace {

constexpr double kSmallest = 1e-7;

double number(const torch::Tensor& scalar) { return scalar.item<double>(); }

}  // namespace

void FactorOptions::bind_odds(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("p_channel", p_channel, "probability for each channel of a changed patch", Range{0, 1});
}

void FactorOptions::check(OptionErrors& errors, const std::string& where) const {
  intensity::check_range(range, errors, where + ".range");
}

Case FactorTransform::apply(Case one, Random& random) const {
  return intensity::change_channels(std::move(one), odds_, random, [&](const torch::Tensor& channel, Random& draw) {
    return change(channel, intensity::draw_factor(range_, draw));
  });
}

void RandomGammaOptions::bind(OptionBinder& o) {
  bind_odds(o);
  o.field("range", range, "exponents, drawn below 1 as often as above", Range{0.01, 100});
  o.field("invert", invert, "bend the image turned dark for light");
  o.field("retain_stats", retain_stats, "give the channel its mean and standard deviation back");
}

torch::Tensor RandomGamma::change(const torch::Tensor& channel, double factor) const {
  const double sign = options_.invert ? -1 : 1;
  const auto image = channel * sign;
  const double low = number(image.min()), spread = number(image.max()) - low;
  auto bent = ((image - low) / std::max(spread, kSmallest)).pow_(factor).mul_(spread).add_(low);
  if (options_.retain_stats && image.numel() > 1) {
    const double ratio = number(image.std()) / std::max(number(bent.std()), kSmallest);
    bent.sub_(number(bent.mean())).mul_(ratio).add_(number(image.mean()));
  }
  return bent.mul_(sign);
}

void RandomContrastOptions::bind(OptionBinder& o) {
  bind_odds(o);
  o.field("range", range, "factors about the mean, drawn below 1 as often as above", Range{0, 100});
  o.field("clamp", clamp, "keep values between the channel's own smallest and largest");
}

torch::Tensor RandomContrast::change(const torch::Tensor& channel, double factor) const {
  const double mean = number(channel.mean());
  auto stretched = (channel - mean).mul_(factor).add_(mean);
  return clamp_ ? stretched.clamp_(channel.min().item(), channel.max().item()) : stretched;
}

void RandomBrightnessOptions::bind(OptionBinder& o) {
  bind_odds(o);
  o.field("range", range, "factors of the values, drawn below 1 as often as above", Range{0, 100});
}

}  // namespace lamina
