// Every draw comes from `random`, so that threads and resumed runs agree.
#include "my_component.hpp"

#include <ATen/ATen.h>

namespace my_component {

MyComponent::MyComponent(const Options& options, const lamina::TransformContext&) : options_(options) {}

lamina::Case MyComponent::apply(lamina::Case one, lamina::Random& random) const {
  if (!random.chance(options_.p)) return one;
  const int64_t axis = random.integer(1, 3);  // of [C, D, H, W]
  const double slope = random.uniform(-options_.strength, options_.strength);
  for (auto& [stream, image] : one.images) {
    std::vector<int64_t> shape(4, 1);
    shape[static_cast<size_t>(axis)] = image.voxels.size(axis);
    const auto factor = at::linspace(1 - slope, 1 + slope, image.voxels.size(axis)).view(shape);
    image.voxels = image.voxels * factor;
  }
  return one;
}

}  // namespace my_component
