// Mirrors patches along axes where that keeps the labels' meaning.
#include "random_flip.hpp"

#include <algorithm>

#include <ATen/ATen.h>

namespace lamina {
namespace {

Volume flipped(const Volume& volume, int64_t axis) {
  if (!volume.defined()) return volume;
  Volume result{volume.voxels.flip({axis + 1}), volume.geometry};
  std::array<double, 3> last{0, 0, 0};
  last[axis] = static_cast<double>(volume.size()[axis] - 1);
  result.geometry.origin = to_physical(volume.geometry, last);
  for (int row = 0; row < 3; ++row) result.geometry.direction[3 * row + (2 - axis)] *= -1;  // columns are x, y, z
  result.geometry.header = nullptr;
  return result;
}

Case flip(Case one, int64_t axis) {
  const int64_t size = one.images.primary().size()[axis];
  for (auto* streams : {&one.images, &one.labels, &one.instances}) {
    for (auto& [stream, volume] : *streams) volume = flipped(volume, axis);
  }
  const int64_t begin = one.valid.begin[axis];
  one.valid.begin[axis] = size - one.valid.end[axis];
  one.valid.end[axis] = size - begin;
  return one;
}

}  // namespace

void RandomFlipOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability for each axis", Range{0, 1});
  o.field("axes", axes, "axes to mirror, of z, y and x; empty: those that the dataset allows", OneOf{"z", "y", "x"});
}

RandomFlip::RandomFlip(const Options& options, const TransformContext& context) : options_(options) {
  const auto& names = options_.axes.empty() ? context.dataset.flip_axes : options_.axes;
  const std::array<std::string, 3> all{"z", "y", "x"};
  for (int64_t axis = 0; axis < 3; ++axis) {
    if (std::find(names.begin(), names.end(), all[axis]) != names.end()) axes_.push_back(axis);
  }
}

Case RandomFlip::apply(Case one, Random& random) const {
  for (const int64_t axis : axes_) {
    if (random.chance(options_.p)) one = flip(std::move(one), axis);
  }
  return one;
}

}  // namespace lamina
