// Masks as runs, the way COCO writes them.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace lamina {

/// Lengths of runs down the columns, from the left one on; the first run is background and may be 0 long.
struct Rle {
  int64_t height = 0, width = 0;
  std::vector<int64_t> counts;
};

/// mask [H, W], bool.
LAMINA_API Rle encode_rle(const torch::Tensor& mask);
/// [H, W], bool. Error where the runs do not fill the mask.
LAMINA_API torch::Tensor decode_rle(const Rle& rle);
/// Pixels of the object.
LAMINA_API int64_t area_of(const Rle& rle);

}  // namespace lamina
