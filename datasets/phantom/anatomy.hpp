// The bodies of the phantom: organs with random pose and shape, painted on a fine grid.
#pragma once

#include <lamina/base/random.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace lamina::phantom {

/// What a voxel of the fine grid is made of. Those from Liver on are classes; the others are background that looks
/// alike.
enum class Tissue : uint8_t { Air, Fat, Muscle, Bone, Vessel, Gut, Stomach, Liver, Spleen, Kidney, Lesion };
inline constexpr size_t kTissues = 11;
/// Label of a tissue: 0, or 1 (liver) to 4 (lesion).
inline int64_t label_of(Tissue tissue) {
  return tissue < Tissue::Liver ? 0 : static_cast<int64_t>(tissue) - static_cast<int64_t>(Tissue::Liver) + 1;
}

struct FineGrid {
  int64_t depth, height, width;
  double depth_ratio;  ///< extent along z over extent along y
};

/// Tissues [depth, height, width]. `deformation` scales how far shapes stray from the atlas.
std::vector<Tissue> paint_body(const FineGrid& grid, double deformation, const Random& random);

}  // namespace lamina::phantom
