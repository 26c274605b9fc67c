// From masks with classes to a class per voxel.
#include "semantic.hpp"

#include <lamina/nn/fold.hpp>

#include <torch/utils.h>

namespace lamina::mask_classifier {
namespace {

constexpr double kBackgroundScore = 0.5;

}  // namespace

torch::Tensor combine(const torch::Tensor& masks, const torch::Tensor& classes, const Axes& axes,
                      Background background) {
  // Full precision: half of it would make ties between classes.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const int64_t slices = axes.batch * axes.depth;
  const torch::Tensor probabilities = classes.to(torch::kFloat32).softmax(-1).slice(-1, 0, -1);      // [N, K]
  const torch::Tensor weights = probabilities.unflatten(0, {slices, axes.queries}).transpose(1, 2);  // [B*D, K, Q]
  const torch::Tensor present =
      masks.to(torch::kFloat32).sigmoid().flatten(1).unflatten(0, {slices, axes.queries});  // [B*D, Q, H*W]
  torch::Tensor scores = at::bmm(weights, present).unflatten(-1, masks.sizes().slice(1));   // [B*D, K, H, W]
  if (background == Background::Ignore)
    scores = at::cat({at::full_like(scores.slice(1, 0, 1), kBackgroundScore), scores}, 1);
  return nn::unfold_depth(scores, axes.batch, axes.depth);
}

}  // namespace lamina::mask_classifier
