// Clips values to a fixed window and scales it to 0..1.
#include "clip_range.hpp"

#include <lamina/base/text.hpp>

#include <ATen/ATen.h>

namespace lamina {

void ClipRangeOptions::bind(OptionBinder& o) {
  o.field("low", low, "value that becomes 0, as all below it; Hounsfield units in CT");
  o.field("high", high, "value that becomes 1, as all above it");
}

void ClipRangeOptions::check(OptionErrors& errors, const std::string& where) const {
  if (low >= high) errors.add(where + ".low", text("got ", low, ", expected less than high (", high, ")"));
}

ClipRange::ClipRange(const Options& options, const TransformContext&) : options_(options) {}

Case ClipRange::apply(Case one, Random&) const {
  for (auto& [stream, volume] : one.images) {
    volume.voxels =
        volume.voxels.clamp(options_.low, options_.high).sub_(options_.low).div_(options_.high - options_.low);
  }
  return one;
}

}  // namespace lamina
