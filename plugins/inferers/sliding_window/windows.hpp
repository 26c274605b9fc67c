// Where the windows of a sliding window stand, how much their voxels count, and how they are cut out of a case.
#pragma once

#include <lamina/data/batch.hpp>

#include <string>
#include <vector>

namespace lamina {

/// First voxels of the windows along one axis: as few as the overlap allows, spread evenly. An axis of patch 1 is
/// visited voxel by voxel. `size` is at least `patch`.
std::vector<int64_t> window_starts(int64_t size, int64_t patch, double overlap);

/// [pz, py, px] float32. gaussian: around voxel patch / 2 with sigma patch / 8 and peak 10; uniform: ones; centre: ones
/// on the middle slice and next to nothing on others, which speak where a slice is nowhere in the middle.
torch::Tensor window_weights(const Size3& patch, const std::string& kind);

/// Every channel of windows [B, C, pz, py, px] scaled to 0..1; a constant one becomes 0.
torch::Tensor to_unit_range(const torch::Tensor& windows);

/// All windows over a volume, z slowest. Positions count in the volume padded to at least one patch.
struct WindowGrid {
  Size3 size, padded, before;  ///< of the volume; padded; padding in front
  Size3 patch;
  std::vector<Size3> starts;

  WindowGrid(const Size3& size, const Size3& patch, double overlap);
};

/// Windows `begin` to `end` of the grid as a batch; what lies outside the case is 0.
Batch cut_windows(const Case& one, const WindowGrid& grid, size_t begin, size_t end);

}  // namespace lamina
