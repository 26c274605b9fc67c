// Everything in an image: a grid of points is asked, and good, stable, different masks are kept.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/options/binder.hpp>
#include <lamina/segment/predictor.hpp>
#include <lamina/segment/rle.hpp>

#include <array>
#include <functional>
#include <vector>

namespace lamina {

/// As segment-anything's SamAutomaticMaskGenerator, defaults included.
struct LAMINA_API MaskGeneratorOptions {
  int64_t points = 32, batch = 64;
  double quality = 0.88, stability = 0.95, stability_offset = 1, overlap = 0.7;
  int64_t crop_layers = 0, crop_downscale = 1;
  double crop_overlap = 512.0 / 1500, crop_nms = 0.7;
  int64_t min_area = 0;
  void bind(OptionBinder& o);
};

struct FoundMask {
  Rle mask;                     ///< over the whole image
  std::array<int64_t, 4> box{}; ///< x, y, width, height, from the first to the last pixel
  int64_t area = 0;
  double quality = 0;           ///< predicted IoU
  double stability = 0;         ///< IoU of the mask with itself at thresholds apart
  std::array<double, 2> point{};  ///< (x, y) that was asked
  std::array<int64_t, 4> crop{};  ///< x, y, width, height of the part of the image that was seen
};

/// A mask, bool [H, W], with its runs, box and area; the rest is for the caller to fill.
LAMINA_API FoundMask found_mask(const torch::Tensor& mask);

/// Called between batches of points; may throw to stop.
using GeneratorProgress = std::function<void(int64_t done, int64_t total)>;

/// Masks of rgb uint8 [3, H, W], best predicted quality first within a crop.
LAMINA_API std::vector<FoundMask> generate_masks(Predictor& predictor, const torch::Tensor& rgb,
                                                 const MaskGeneratorOptions& options,
                                                 const GeneratorProgress& progress = {});

/// Fills holes and drops islands smaller than `min_area` pixels (neighbours also across corners); where all islands are
/// smaller the largest stays. mask [H, W], bool; returns whether anything changed.
LAMINA_API bool remove_small_regions(torch::Tensor& mask, int64_t min_area);

}  // namespace lamina
