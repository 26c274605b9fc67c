// Which lesions of the reference a prediction finds.
#pragma once

#include <lamina/options/binder.hpp>

#include <cstdint>
#include <string>

#include <torch/types.h>

namespace lamina {

struct LesionOptions {
  std::string connectivity = "full", match = "overlap";
  double min_size_mm3 = 0, min_iou = 0;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// Lesions: connected components of one class that are large enough.
struct LesionMatches {
  int64_t found = 0;     ///< of the reference, and found: true positives
  int64_t missed = 0;    ///< of the reference, not found: false negatives
  int64_t invented = 0;  ///< predicted where none is: false positives
  double dice_sum = 0;   ///< over the found ones
};

/// `mask`: as joint_mask() gives it. A predicted lesion that touches nothing but reference lesions too small to count
/// is neither right nor invented.
LesionMatches match_lesions(const torch::Tensor& mask, double voxel_mm3, const LesionOptions& options);

}  // namespace lamina
