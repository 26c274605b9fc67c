// Of several masks per prompt, the one that counts.
#pragma once

#include <lamina/base/export.hpp>

#include <torch/types.h>

namespace lamina::nn {

/// masks [N, M, h, w] and their predicted quality [N, M] -> [N, 1, h, w], the mask of highest quality, as SAM's own tools
/// choose; the first one where quality is undefined.
LAMINA_API torch::Tensor best_masks(const torch::Tensor& masks, const torch::Tensor& quality);

}  // namespace lamina::nn
