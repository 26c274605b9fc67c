// Boxes around masks, and the choice among boxes that overlap.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace lamina::segment {

/// [N, H, W], bool -> [N, 4] int64: x1, y1, x2, y2 of the first and last pixels; zeros for empty masks.
torch::Tensor boxes_of(const torch::Tensor& masks);

/// Indices of boxes [N, 4] that stay, best score first: a box falls when its IoU with a better one that stays is above
/// `overlap`. Equal scores: the earlier one is better.
std::vector<int64_t> non_maximum_suppression(const torch::Tensor& boxes, const torch::Tensor& scores, double overlap);

/// Which boxes [N, 4] of a crop lie within 20 pixels of an edge of the crop that is no edge of the image; bool [N].
torch::Tensor near_crop_edge(const torch::Tensor& boxes, const torch::Tensor& crop, const torch::Tensor& image);

}  // namespace lamina::segment
