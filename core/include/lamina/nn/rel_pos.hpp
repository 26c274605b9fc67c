// Tables of relative position, one row per distance along an axis, as in SAM's image encoder.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>

#include <torch/types.h>

namespace lamina::nn {

/// table [2s-1, d], row i - j + s - 1 for query i and key j -> the same for a grid of `size` cells, [2*size-1, d],
/// linear along the rows (align_corners false), as segment-anything does at run time. Differentiable; the table itself
/// where it fits already.
LAMINA_API torch::Tensor resize_rel_pos(const torch::Tensor& table, int64_t size);

/// table [2*size-1, d] -> [size, size, d] with entry [i, j] = table[i - j + size - 1].
LAMINA_API torch::Tensor gather_rel_pos(const torch::Tensor& table, int64_t size);

}  // namespace lamina::nn
