#include "shuffle_labels.hpp"

#include <lamina/nn/random_tensor.hpp>

#include <ATen/ATen.h>

namespace lamina {
namespace {

torch::Tensor inside(const torch::Tensor& voxels, const Box& box) {
  torch::Tensor part = voxels;
  for (int64_t axis = 0; axis < 3; ++axis) {
    const auto i = static_cast<size_t>(axis);
    part = part.slice(axis + 1, box.begin[i], box.end[i]);
  }
  return part;
}

}  // namespace

Case ShuffleLabels::apply(Case one, Random& random) const {
  for (auto& [stream, labels] : one.labels) {
    if (!labels.defined()) continue;
    torch::Tensor voxels = labels.voxels.clone();
    torch::Tensor part = inside(voxels, one.valid);
    const auto generator = nn::make_generator(random);
    const torch::Tensor order = at::randperm(part.numel(), generator, at::TensorOptions(at::kLong));
    part.copy_(part.flatten().index_select(0, order).view(part.sizes()));
    labels.voxels = voxels;
  }
  one.instances = {};  // they would still say where things are
  return one;
}

}  // namespace lamina
