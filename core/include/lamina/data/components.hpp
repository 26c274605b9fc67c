// Connected components of a mask.
#pragma once

#include <lamina/base/export.hpp>

#include <torch/types.h>

namespace lamina {

/// Voxels that touch: across faces (6 neighbours, 4 in a slice) or also across edges and corners (26, or 8).
enum class Connectivity { Faces, Full };

/// The number of each voxel's component: bool [D, H, W] on the CPU -> int64 [D, H, W], 0 outside the mask, then 1, 2, ...
/// in the order of the components' first voxels.
LAMINA_API torch::Tensor component_map(const torch::Tensor& mask, Connectivity connectivity);

/// True where `mask` [D, H, W] is true outside its largest component; components of equal size all stay.
LAMINA_API torch::Tensor outside_largest(const torch::Tensor& mask, Connectivity connectivity);

}  // namespace lamina
