// Regions of a slice: where they lie, and their innermost pixel.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <optional>
#include <vector>

#include <torch/types.h>

namespace lamina {

struct Pixel {
  int64_t x = 0, y = 0;
};

/// All pixels of one number.
struct Region {
  int64_t number = 0, area = 0;
  int64_t left = 0, top = 0, right = 0, bottom = 0;  ///< first and last column and row that it touches
};

/// The regions of a map of numbers, int64 [H, W] on the CPU, by ascending number; 0 is no region.
LAMINA_API std::vector<Region> regions_of(const torch::Tensor& numbers);

/// The pixel of a mask, bool [H, W] on the CPU, that is farthest from everything outside, beyond the image's border
/// included. Among equals it is the one nearest to the mask's centre of mass, then the first. None for an empty mask.
LAMINA_API std::optional<Pixel> most_interior(const torch::Tensor& mask);

}  // namespace lamina
