// A rectangle of noise in every slice, whose labels become background.
#include "erase.hpp"

#include <lamina/base/text.hpp>
#include <lamina/nn/random_tensor.hpp>

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace lamina {
namespace {

void require_order(const std::array<double, 2>& range, const std::string& where, OptionErrors& errors) {
  if (range[0] > range[1]) errors.add(where, text("got [", join(range), "], expected the smaller number first"));
}

torch::Tensor inside(const torch::Tensor& voxels, const Box& box) {
  const Size3 size = box.size();
  return voxels.narrow(2, box.begin[1], size[1]).narrow(3, box.begin[2], size[2]);
}

/// Uniform noise between the smallest and the largest value of each channel; the same rectangle in all slices.
torch::Tensor with_noise(const torch::Tensor& image, const Box& box, Random& random) {
  const torch::Tensor result = image.clone(), hole = inside(result, box);
  const torch::Tensor low = image.amin({1, 2, 3}, true), high = image.amax({1, 2, 3}, true);
  const torch::Tensor noise = at::rand(hole.sizes(), nn::make_generator(random), hole.options());
  hole.copy_(noise * (high - low) + low);
  return result;
}

}  // namespace

void RandomEraseOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("area", area, "shares of a slice between which the rectangle's area is drawn", Range{0.0001, 1});
  o.field("ratio", ratio, "height over width of the rectangle, drawn evenly on a logarithmic scale", Range{0.05, 20});
}

void RandomEraseOptions::check(OptionErrors& errors, const std::string& where) const {
  require_order(area, where + ".area", errors);
  require_order(ratio, where + ".ratio", errors);
}

RandomErase::RandomErase(const Options& options, const TransformContext&) : options_(options) {}

Box RandomErase::draw(const Size3& size, Random& random) const {
  const double area = random.uniform(options_.area[0], options_.area[1]) * static_cast<double>(size[1] * size[2]);
  const double ratio = std::exp(random.uniform(std::log(options_.ratio[0]), std::log(options_.ratio[1])));
  const double sides[2]{std::sqrt(area * ratio), std::sqrt(area / ratio)};
  Box box{{0, 0, 0}, size};
  for (size_t axis = 1; axis < 3; ++axis) {
    const int64_t side = std::clamp<int64_t>(std::llround(sides[axis - 1]), 1, size[axis]);
    box.begin[axis] = random.integer(0, size[axis] - side);
    box.end[axis] = box.begin[axis] + side;
  }
  return box;
}

Case RandomErase::apply(Case one, Random& random) const {
  if (!random.chance(options_.p)) return one;
  const Box box = draw(one.images.primary().size(), random);
  for (auto& [stream, volume] : one.images) volume.voxels = with_noise(volume.voxels, box, random);
  for (auto* streams : {&one.labels, &one.instances}) {
    for (auto& [stream, volume] : *streams) {
      if (!volume.defined()) continue;
      volume.voxels = volume.voxels.clone();
      inside(volume.voxels, box).zero_();
    }
  }
  return one;
}

}  // namespace lamina
