// What the labels of a batch ask for, slice by slice.
#pragma once

#include <cstdint>
#include <optional>

#include <torch/types.h>

namespace lamina::set_match {

/// Values of SliceTargets::labels that are no class.
inline constexpr int64_t kNoClass = -1;     ///< background, where it is no class
inline constexpr int64_t kNotCounted = -2;  ///< the dataset's ignore label

enum class Background { Class, Ignore };

/// Every class that occurs in a slice is one instance: a label, a mask, a box.
struct SliceTargets {
  torch::Tensor labels;   ///< int16 [S, H, W]: class of each pixel, or one of the values above
  torch::Tensor present;  ///< bool [S, K]: which instances there are
  torch::Tensor boxes;    ///< [S, K, 4]: x1 y1 x2 y2 in [0, 1], zeros where a class is absent
  bool ignores = false;   ///< some pixels may be kNotCounted

  int64_t slices() const { return labels.size(0); }
  int64_t classes() const { return present.size(1); }
};

/// labels int64 [B, 1, D, H, W] -> S = B*D slices. With Background::Ignore class k is the label k + 1.
SliceTargets make_targets(const torch::Tensor& labels, int64_t classes, std::optional<int64_t> ignore,
                          Background background);

/// Labels [S, P] as one mask per class: float [S, K, P].
torch::Tensor class_masks(const torch::Tensor& labels, int64_t classes);

}  // namespace lamina::set_match
