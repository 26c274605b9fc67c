// Where the classes of a case are, for foreground oversampling.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include <torch/types.h>

namespace lamina::engine {

/// Voxels by foreground class: [n, 3] int32 (z, y, x).
using ClassLocations = std::map<int64_t, torch::Tensor>;

/// Of every foreground class that is present, up to max(min(10000, n), ceil(n / 100)) of its n voxels, chosen at random
/// from a fixed stream. `labels`: [1, D, H, W]; the ignore label is no class.
ClassLocations find_locations(const torch::Tensor& labels, std::optional<int64_t> ignore);

}  // namespace lamina::engine
