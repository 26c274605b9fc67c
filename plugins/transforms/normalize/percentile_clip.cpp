// Clips every image to its own percentiles and scales it to 0..1.
#include "percentile_clip.hpp"

#include "statistics.hpp"

#include <lamina/base/text.hpp>

#include <ATen/ATen.h>

namespace lamina {

void PercentileClipOptions::bind(OptionBinder& o) {
  o.field("low", low, "percentile of the channel that becomes 0", Range{0, 100});
  o.field("high", high, "percentile of the channel that becomes 1", Range{0, 100});
}

void PercentileClipOptions::check(OptionErrors& errors, const std::string& where) const {
  if (low >= high) errors.add(where + ".low", text("got ", low, ", expected less than high (", high, ")"));
}

PercentileClip::PercentileClip(const Options& options, const TransformContext&) : options_(options) {}

torch::Tensor PercentileClip::rescale(const torch::Tensor& image) const {
  auto result = image.clone();
  for (auto channel : result.unbind(0)) {
    const double low = normalizing::quantile(channel, options_.low / 100);
    const double high = normalizing::quantile(channel, options_.high / 100);
    if (high > low)
      channel.clamp_(low, high).sub_(low).div_(high - low);
    else
      channel.zero_();
  }
  return result;
}

Case PercentileClip::apply(Case one, Random&) const {
  for (auto& [stream, volume] : one.images) volume.voxels = rescale(volume.voxels);
  return one;
}

}  // namespace lamina
