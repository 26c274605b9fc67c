#include <lamina/nn/best_masks.hpp>

#include <ATen/ATen.h>

namespace lamina::nn {

torch::Tensor best_masks(const torch::Tensor& masks, const torch::Tensor& quality) {
  if (masks.size(1) == 1 || !quality.defined()) return masks.slice(1, 0, 1);
  const torch::Tensor best = quality.argmax(1).view({-1, 1, 1, 1});
  return masks.gather(1, best.expand({-1, 1, masks.size(2), masks.size(3)}));
}

}  // namespace lamina::nn
