// From tissues to a picture as a scanner would take it.
#pragma once

#include "anatomy.hpp"

namespace lamina::phantom {

struct Scanner {
  double contrast;  ///< how much the weighting differs between cases, 0..1
  double noise;     ///< standard deviation relative to a tissue of signal 1
  double bias;      ///< strength of the smooth shading
};

/// Intensities [depth / slab, height, width]: each slice averages `slab` fine ones.
std::vector<float> take_picture(const FineGrid& grid, int64_t slab, const std::vector<Tissue>& tissues,
                                const Scanner& scanner, const Random& random);

/// Labels [depth / slab, height, width]: the tissue that most of a slice's fine voxels have, the middle one's when none
/// has.
std::vector<int64_t> take_labels(const FineGrid& grid, int64_t slab, const std::vector<Tissue>& tissues,
                                 int64_t classes);

}  // namespace lamina::phantom
