// Boxes of masks, and how well boxes agree.
#pragma once

#include <lamina/base/export.hpp>

#include <torch/types.h>

namespace lamina::nn {

/// The tightest box around each mask: bool [..., h, w] -> float [..., 4] as x1 y1 x2 y2 in [0, 1]. As MaskSAM has it:
/// index of the first and of the last pixel, each divided by the axis' length (the last one without adding 1, so a
/// mask of one pixel has an empty box). Zeros where a mask is empty. No gradient.
LAMINA_API torch::Tensor boxes_of_masks(const torch::Tensor& masks);

/// Boxes that are valid whatever the numbers: fractions [..., 4] in [0, 1] -> [..., 4] as x1 y1 x2 y2 in [0, 1]. The
/// first two are the corner; the last two say which part of what remains to the right and below the box takes, so x2 =
/// x1 + (1 - x1) f.
LAMINA_API torch::Tensor boxes_of_fractions(const torch::Tensor& fractions);

/// Generalised intersection over union (Rezatofighi et al. 2019) of boxes x1 y1 x2 y2 with x2 >= x1, y2 >= y1:
/// [..., 4] and [..., 4], broadcast against each other, -> [...] in [-1, 1]. With a [N, 1, 4] and b [1, M, 4] it is
/// torchvision.ops.generalized_box_iou. Areas below 1e-12 count as 1e-12: two empty boxes at one place give 0, not NaN.
LAMINA_API torch::Tensor generalized_box_iou(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace lamina::nn
