// What a metric's value is where a mask is empty: the habits of known tools, by name.
#pragma once

#include <lamina/objective/metric.hpp>

#include <string>
#include <vector>

namespace lamina::engine {

/// Names of the policies: nnunet, monai, transunet, strict.
const std::vector<std::string>& empty_policies();

/// What the policy has to know of a metric and its image.
struct PolicyCase {
  std::string type;  // of the metric: "dice", "hd", ...
  bool higher_is_better = true;
  double worst = 0;  // for this image; distances: its diagonal in mm
  bool defined_on_empty = false;
};

/// "ok", "missed" (only the prediction is empty), "hallucinated" (only the reference is empty) or "absent" (both are).
std::string flag_of(const Counts& counts);

/// `raw` where both masks have voxels, or where the metric needs none; else what the policy says; NaN: undefined.
double with_policy(const std::string& policy, double raw, const std::string& flag, const PolicyCase& about);

/// The longest distance an image can hold, mm; a flat image (D = 1) is measured in its plane.
double diagonal(const Volume& volume);

}  // namespace lamina::engine
