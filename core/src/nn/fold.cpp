#include <lamina/nn/fold.hpp>

namespace lamina::nn {

torch::Tensor fold_depth(const torch::Tensor& volume) {
  return volume.transpose(1, 2).flatten(0, 1);  // [B, D, C, H, W] -> [B*D, C, H, W]
}

torch::Tensor unfold_depth(const torch::Tensor& slices, int64_t batch, int64_t depth) {
  return slices.unflatten(0, {batch, depth}).transpose(1, 2);
}

}  // namespace lamina::nn
