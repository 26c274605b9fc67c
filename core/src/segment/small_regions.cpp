// Holes and islands of a mask.
#include <lamina/base/error.hpp>
#include <lamina/data/components.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/segment/mask_generator.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

struct Regions {
  torch::Tensor numbers;  // [H, W], 0: elsewhere
  torch::Tensor sizes;    // pixels by number
};

Regions regions_of_mask(const torch::Tensor& mask) {
  const torch::Tensor numbers = component_map(mask.unsqueeze(0), Connectivity::Full)[0];
  return {numbers, numbers.flatten().bincount()};
}

/// Which regions have fewer pixels; bool by number.
torch::Tensor small_ones(const Regions& regions, int64_t min_area) {
  torch::Tensor small = regions.sizes < min_area;
  small[0] = false;
  return small;
}

torch::Tensor pixels_of(const Regions& regions, const torch::Tensor& chosen) {
  return chosen.index_select(0, regions.numbers.flatten()).view_as(regions.numbers);
}

}  // namespace

bool remove_small_regions(torch::Tensor& mask, int64_t min_area) {
  nn::require_shape(mask, {nn::kAny, nn::kAny}, "a mask to clean");
  if (mask.scalar_type() != torch::kBool) throw Error("a mask to clean must be of type bool");
  bool changed = false;
  const Regions holes = regions_of_mask(mask.logical_not());
  const torch::Tensor filled = small_ones(holes, min_area);
  if (filled.any().item<bool>()) {
    mask = mask.logical_or(pixels_of(holes, filled));
    changed = true;
  }
  const Regions islands = regions_of_mask(mask);
  torch::Tensor dropped = small_ones(islands, min_area);
  if (!dropped.any().item<bool>()) return changed;
  if (dropped.slice(0, 1).all().item<bool>()) dropped[1 + islands.sizes.slice(0, 1).argmax().item<int64_t>()] = false;
  mask = mask.logical_and(pixels_of(islands, dropped).logical_not());
  return true;  // also where the only island stays although it is small, as in the reference
}

}  // namespace lamina
