// Connected components of a mask.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace lamina::components {

/// Voxels that touch: across faces (6 neighbours) or also across edges and corners (26).
enum class Connectivity { Faces, Full };

/// True where `mask` [D, H, W] is true outside its largest component; components of equal size all stay.
torch::Tensor outside_largest(const torch::Tensor& mask, Connectivity connectivity);

}  // namespace lamina::components
