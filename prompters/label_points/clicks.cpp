// Where to click.
#include "clicks.hpp"

#include <lamina/data/components.hpp>

#include <algorithm>

#include <ATen/ATen.h>

namespace lamina::label_points {
namespace {

std::vector<Pixel> drawn_pixels(const torch::Tensor& mask, int64_t count, Random random) {
  const torch::Tensor all = mask.nonzero();  // [M, 2], (y, x) in raster order
  const int64_t total = all.size(0);
  std::vector<int64_t> order(static_cast<size_t>(total));
  for (int64_t i = 0; i < total; ++i) order[static_cast<size_t>(i)] = i;
  const auto positions = all.accessor<int64_t, 2>();
  std::vector<Pixel> pixels;
  for (int64_t i = 0; i < std::min(count, total); ++i) {
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.integer(i, total - 1))]);
    const int64_t drawn = order[static_cast<size_t>(i)];
    pixels.push_back({positions[drawn][1], positions[drawn][0]});
  }
  return pixels;
}

std::vector<Pixel> inner_pixels(const torch::Tensor& mask, int64_t count) {
  torch::Tensor left = mask.clone();
  std::vector<Pixel> pixels;
  while (std::ssize(pixels) < count) {
    const std::optional<Pixel> pixel = most_interior(left);
    if (!pixel) break;
    pixels.push_back(*pixel);
    left[pixel->y][pixel->x] = false;
  }
  return pixels;
}

struct Part {
  torch::Tensor mask;
  int64_t area = 0;
};

Part largest_part(const torch::Tensor& mask) {
  const torch::Tensor map = component_map(mask.unsqueeze(0), Connectivity::Full)[0];
  const std::vector<Region> regions = regions_of(map);
  const auto largest = std::max_element(regions.begin(), regions.end(),
                                        [](const Region& a, const Region& b) { return a.area < b.area; });
  if (largest == regions.end()) return {};
  return {map.eq(largest->number), largest->area};
}

}  // namespace

std::vector<Pixel> pixels_in(const torch::Tensor& mask, int64_t count, std::optional<Random> random) {
  return random ? drawn_pixels(mask, count, *random) : inner_pixels(mask, count);
}

std::optional<Mistake> largest_mistake(const torch::Tensor& truth, const torch::Tensor& predicted,
                                       const torch::Tensor& counted) {
  const Part missed = largest_part(truth.logical_and(predicted.logical_not()).logical_and(counted));
  const Part surplus = largest_part(predicted.logical_and(truth.logical_not()).logical_and(counted));
  if (missed.area == 0 && surplus.area == 0) return std::nullopt;
  const bool is_missed = missed.area >= surplus.area;
  return Mistake{is_missed ? missed.mask : surplus.mask, is_missed};
}

}  // namespace lamina::label_points
