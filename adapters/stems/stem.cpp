// What all stems have in common: they turn the dataset's channels into the three that SAM's patch embedding takes.
#include "stem.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/shape_check.hpp>

#include <torch/types.h>

namespace lamina::stems {

Unit::Unit(const Site& site, int64_t factor) : channels_(site.in_channels), factor_(factor) {
  if (site.kind == SiteKind::Stream && site.layout == Layout::Volume) return;
  throw ConfigError("a stem replaces the image on its way into the encoder; its place is encoder.image");
}

Shape Unit::reshape(Shape in) const {
  if (in.channels != channels_) {
    throw ConfigError(text("a stem takes the dataset's ", channels_, " channels, but here come ", in.channels,
                           " from another stem; keep one of the two"));
  }
  return {kColours, {in.size[0], in.size[1] * factor_, in.size[2] * factor_}};
}

torch::Tensor Unit::apply(const SiteCall& call) {
  nn::require_shape(call.output, {nn::kAny, channels_, nn::kAny, nn::kAny, nn::kAny}, "the stem's image");
  return forward(call.output);
}

std::vector<std::string> image_site() { return {"encoder.image"}; }

}  // namespace lamina::stems
