// Quarter turns and mirror images of slices.
#include "rotate90.hpp"

#include <ATen/ATen.h>

namespace lamina {

void RandomRotate90Options::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field(
      "p_flip", p_flip,
      "probability that a turned patch is mirrored too, along y or x, whatever the dataset allows; 1: as the released "
      "code of SAMed and MA-SAM, which so makes mirror images only",
      Range{0, 1});
}

RandomRotate90::RandomRotate90(const Options& options, const TransformContext&) : options_(options) {}

Case RandomRotate90::apply(Case one, Random& random) const {
  if (!random.chance(options_.p)) return one;
  const Size3 size = one.images.primary().size();
  int64_t turns = random.integer(0, 3);
  if (size[1] != size[2]) turns -= turns % 2;  // the patch must keep its size
  const int64_t mirrored = random.integer(2, 3);
  const bool flip = random.chance(options_.p_flip);
  for (auto* streams : {&one.images, &one.labels, &one.instances}) {
    for (auto& [stream, volume] : *streams) {
      if (!volume.defined()) continue;
      volume.voxels = volume.voxels.rot90(turns, {2, 3});  // [C, D, H, W]
      if (flip) volume.voxels = volume.voxels.flip({mirrored});
    }
  }
  return one;
}

}  // namespace lamina
