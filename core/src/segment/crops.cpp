#include "crops.hpp"

#include <lamina/nn/point_grid.hpp>

#include <algorithm>
#include <cmath>

namespace lamina::segment {
namespace {

/// Length of each of `count` parts that overlap by `shared` pixels and cover `length`.
int64_t part_length(int64_t length, int64_t count, int64_t shared) {
  return static_cast<int64_t>(
      std::ceil(static_cast<double>(shared * (count - 1) + length) / static_cast<double>(count)));
}

}  // namespace

std::vector<Crop> crops_of(int64_t height, int64_t width, const MaskGeneratorOptions& options) {
  std::vector<Crop> crops{{{0, 0, width, height}, 0}};
  for (int64_t layer = 1; layer <= options.crop_layers; ++layer) {
    const int64_t side = int64_t{1} << layer;
    const auto shared = static_cast<int64_t>(options.crop_overlap * static_cast<double>(std::min(height, width)) *
                                             (2.0 / static_cast<double>(side)));
    const int64_t w = part_length(width, side, shared), h = part_length(height, side, shared);
    for (int64_t column = 0; column < side; ++column) {
      for (int64_t row = 0; row < side; ++row) {
        const int64_t x = (w - shared) * column, y = (h - shared) * row;
        crops.push_back({{x, y, std::min(x + w, width), std::min(y + h, height)}, layer});
      }
    }
  }
  return crops;
}

torch::Tensor points_of(const Crop& crop, const MaskGeneratorOptions& options) {
  const auto count = static_cast<int64_t>(static_cast<double>(options.points) /
                                          std::pow(static_cast<double>(options.crop_downscale), crop.layer));
  return nn::point_grid(std::max<int64_t>(1, count), crop.box[3] - crop.box[1], crop.box[2] - crop.box[0]);
}

}  // namespace lamina::segment
