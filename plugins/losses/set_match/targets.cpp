// Turns label maps into one instance per class and slice.
#include "targets.hpp"

#include <lamina/nn/boxes.hpp>

#include <vector>

#include <torch/utils.h>

namespace lamina::set_match {

SliceTargets make_targets(const torch::Tensor& labels, int64_t classes, std::optional<int64_t> ignore,
                          Background background) {
  const torch::NoGradGuard no_grad;
  const int64_t first = background == Background::Ignore ? 1 : 0;
  SliceTargets targets;
  const torch::Tensor values = labels.squeeze(1).flatten(0, 1);  // [B*D, H, W]
  targets.labels = (values - first).to(torch::kInt16);           // background becomes kNoClass where it is no class
  if (ignore) targets.labels.masked_fill_(values.eq(*ignore), kNotCounted);
  targets.ignores = ignore.has_value();
  std::vector<torch::Tensor> present, boxes;
  for (int64_t k = 0; k < classes - first; ++k) {
    const torch::Tensor mask = targets.labels.eq(k);
    present.push_back(mask.flatten(1).any(1));
    boxes.push_back(nn::boxes_of_masks(mask));
  }
  targets.present = torch::stack(present, 1);
  targets.boxes = torch::stack(boxes, 1);
  return targets;
}

torch::Tensor class_masks(const torch::Tensor& labels, int64_t classes) {
  const torch::Tensor index = torch::arange(classes, labels.options()).view({1, classes, 1});
  return labels.unsqueeze(1).eq(index).to(torch::kFloat32);
}

}  // namespace lamina::set_match
