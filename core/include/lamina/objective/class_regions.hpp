// Where each class lies in a prediction and its reference: counted once per case and shared by all metrics.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/objective/metric.hpp>

#include <vector>

namespace lamina {

struct ClassRegion {
  int64_t class_id = 0;
  Counts counts;
  Box box;  ///< around the class in either map; empty when neither has it
};

/// Foreground classes 1 .. classes - 1, in order. Voxels with the case's ignore label count nowhere. DataError when the
/// sizes differ, when the reference is missing, or when a map holds a label outside 0 .. classes - 1.
LAMINA_API const std::vector<ClassRegion>& class_regions(const Volume& prediction, const Case& reference,
                                                         int64_t classes, Scratch& scratch);

/// Bits of joint_mask().
inline constexpr uint8_t kPredicted = 1, kReference = 2;

/// Voxels of one class in `region.box` with a margin of zeros, uint8 [D + 2m, H + 2m, W + 2m]: kPredicted where it is
/// predicted, kReference where the reference has it.
LAMINA_API torch::Tensor joint_mask(const Volume& prediction, const Case& reference, const ClassRegion& region,
                                    int64_t margin);

}  // namespace lamina
