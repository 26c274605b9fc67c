// Masks at a few points instead of all pixels (PointRend, Kirillov et al. 2020).
#pragma once

#include "targets.hpp"

#include <ATen/core/Generator.h>

namespace lamina::set_match {

/// How many points a mask is scored on, and how they are chosen.
struct PointRule {
  int64_t count = 0;         ///< 0: every pixel, no sampling
  double oversample = 2;     ///< candidates per point
  double importance = 0.75;  ///< share of the points that are the most uncertain candidates; the rest is uniform
};

/// Uniform positions (x, y) in [0, 1]: [rows, count, 2]. Drawn on the CPU, so a device does not change them.
torch::Tensor random_points(int64_t rows, int64_t count, const torch::Device& device,
                            const torch::Generator& generator);

/// Maps [R, C, h, w] at points [R, N, 2] -> [R, C, N]: bilinear between pixel centres, 0 outside (grid_sample with
/// align_corners false).
torch::Tensor sample_maps(const torch::Tensor& maps, const torch::Tensor& points);

/// The same for label maps, without making a mask per class: what each point finds in slice `slice` [R] of labels
/// [S, H, W].
class LabelPoints {
 public:
  LabelPoints(const torch::Tensor& labels, const torch::Tensor& slice, const torch::Tensor& points);
  torch::Tensor share_of(const torch::Tensor& label) const;  ///< of the class label [R] -> [R, N]
  torch::Tensor shares(int64_t classes) const;               ///< of every class -> [R, classes, N]
  torch::Tensor counted() const;                             ///< 1 minus the share of kNotCounted -> [R, N]

 private:
  torch::Tensor labels_, weights_;  // [R, N, 4]: the four pixels around each point; weight 0 outside the image
};

/// Points for maps [R, h, w] -> [R, rule.count, 2]: of count * oversample candidates the most uncertain ones (logit
/// nearest to 0), then uniform ones. Where more than half of what a point sees does not count, it is taken last.
torch::Tensor uncertain_points(const torch::Tensor& maps, const torch::Tensor& slice, const SliceTargets& targets,
                               const PointRule& rule, const torch::Generator& generator);

}  // namespace lamina::set_match
