// Finds both borders in the box around both masks, then measures each way.
#include "surface_distances.hpp"

#include "element_areas.hpp"
#include "nearest.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <numeric>

#include <torch/types.h>

namespace lamina::surface {
namespace {

/// Both masks with a margin of one voxel: bits as in joint_mask().
struct PaddedMask {
  explicit PaddedMask(torch::Tensor mask)
      : tensor(std::move(mask)),
        voxels(tensor.data_ptr<uint8_t>()),
        stride_y(tensor.size(2)),
        stride_z(tensor.size(1) * stride_y) {}
  torch::Tensor tensor;  // [D + 2, H + 2, W + 2]
  const uint8_t* voxels;
  int64_t stride_y, stride_z;
};

/// Bits of the masks that have the voxel but not all of its face neighbours.
Lattice border_voxels(const PaddedMask& mask, const Size3& size, const std::array<double, 3>& spacing, bool flat) {
  Lattice lattice{size, spacing, std::vector<uint8_t>(static_cast<size_t>(size[0] * size[1] * size[2]))};
  uint8_t* marks = lattice.marks.data();
  const int64_t up = flat ? 0 : mask.stride_z;
  for (int64_t z = 0; z < size[0]; ++z) {
    for (int64_t y = 0; y < size[1]; ++y, marks += size[2]) {
      const uint8_t* row = mask.voxels + (z + 1) * mask.stride_z + (y + 1) * mask.stride_y + 1;
      for (int64_t x = 0; x < size[2]; ++x) {
        const uint8_t* at = row + x;
        const int within = at[-1] & at[1] & at[-mask.stride_y] & at[mask.stride_y] & at[-up] & at[up];
        marks[x] = static_cast<uint8_t>(*at & ~within);
      }
    }
  }
  return lattice;
}

/// Bits of the masks that have some but not all corners of the cell. Cells lie between voxels, so there is one more
/// along each axis; cell (z, y, x) starts at voxel (z, y, x) of the padded mask.
Lattice surface_cells(const PaddedMask& mask, const Size3& size, const std::array<double, 3>& spacing, bool flat) {
  const Size3 cells{flat ? 1 : size[0] + 1, size[1] + 1, size[2] + 1};
  Lattice lattice{cells, spacing, std::vector<uint8_t>(static_cast<size_t>(cells[0] * cells[1] * cells[2]))};
  uint8_t* marks = lattice.marks.data();
  const int64_t up = flat ? 0 : mask.stride_z, down = mask.stride_y;
  for (int64_t z = 0; z < cells[0]; ++z) {
    for (int64_t y = 0; y < cells[1]; ++y, marks += cells[2]) {
      const uint8_t* row = mask.voxels + (flat ? 1 : z) * mask.stride_z + y * down;
      for (int64_t x = 0; x < cells[2]; ++x) {
        const uint8_t *a = row + x, *b = a + up;
        const int all = a[0] & a[1] & a[down] & a[down + 1] & b[0] & b[1] & b[down] & b[down + 1];
        const int some = a[0] | a[1] | a[down] | a[down + 1] | b[0] | b[1] | b[down] | b[down + 1];
        marks[x] = static_cast<uint8_t>(some & ~all);
      }
    }
  }
  return lattice;
}

/// Which corners of the cell at `at` have the bit.
uint8_t cell_code(const PaddedMask& mask, const uint8_t* at, uint8_t bit, bool flat) {
  uint8_t code = 0;
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 2; ++x) {
      const uint8_t* corner = at + y * mask.stride_y + x;
      if (flat && (*corner & bit)) code |= corner_bit(y, x);
      if (!flat && (*corner & bit)) code |= corner_bit(0, y, x);
      if (!flat && (corner[mask.stride_z] & bit)) code |= corner_bit(1, y, x);
    }
  }
  return code;
}

/// Sizes of the elements with the bit, in raster order.
std::vector<double> element_sizes(const PaddedMask& mask, const Lattice& cells, uint8_t bit, bool flat) {
  const auto table = flat ? element_lengths(cells.spacing) : element_areas(cells.spacing);
  std::vector<double> sizes;
  const uint8_t* marks = cells.marks.data();
  for (int64_t z = 0; z < cells.size[0]; ++z) {
    for (int64_t y = 0; y < cells.size[1]; ++y) {
      const uint8_t* row = mask.voxels + (flat ? 1 : z) * mask.stride_z + y * mask.stride_y;
      for (int64_t x = 0; x < cells.size[2]; ++x, ++marks) {
        if (*marks & bit) sizes.push_back(table[cell_code(mask, row + x, bit, flat)]);
      }
    }
  }
  return sizes;
}

/// Distances with their sizes, in the order of both.
void sort_together(std::vector<double>& distances, std::vector<double>& sizes) {
  std::vector<std::pair<double, double>> pairs(distances.size());
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = {distances[i], sizes[i]};
  std::sort(pairs.begin(), pairs.end());
  for (size_t i = 0; i < pairs.size(); ++i) std::tie(distances[i], sizes[i]) = pairs[i];
}

SurfaceDistances measure_voxels(const PaddedMask& mask, const Size3& size, const std::array<double, 3>& spacing,
                                bool flat) {
  const Lattice border = border_voxels(mask, size, spacing, flat);
  SurfaceDistances result;
  result.to_reference = nearest_distances(border, kPredicted, kReference);
  result.to_prediction = nearest_distances(border, kReference, kPredicted);
  std::sort(result.to_reference.begin(), result.to_reference.end());
  std::sort(result.to_prediction.begin(), result.to_prediction.end());
  return result;
}

SurfaceDistances measure_elements(const PaddedMask& mask, const Size3& size, const std::array<double, 3>& spacing,
                                  bool flat) {
  const Lattice cells = surface_cells(mask, size, spacing, flat);
  SurfaceDistances result;
  result.to_reference = nearest_distances(cells, kPredicted, kReference);
  result.to_prediction = nearest_distances(cells, kReference, kPredicted);
  result.predicted_sizes = element_sizes(mask, cells, kPredicted, flat);
  result.reference_sizes = element_sizes(mask, cells, kReference, flat);
  sort_together(result.to_reference, result.predicted_sizes);
  sort_together(result.to_prediction, result.reference_sizes);
  return result;
}

}  // namespace

const SurfaceDistances& surface_distances(const Volume& prediction, const Case& reference, const ClassRegion& region,
                                          Border border, Scratch& scratch) {
  const char* kind = border == Border::Voxels ? "voxels" : "elements";
  auto& kept = scratch.get<SurfaceDistances>(text("surface_distances/", kind, "/", region.class_id));
  if (!kept.to_reference.empty()) return kept;
  const bool flat = prediction.voxels.size(1) == 1;
  const PaddedMask mask(joint_mask(prediction, reference, region, 1));
  const auto measure = border == Border::Voxels ? measure_voxels : measure_elements;
  kept = measure(mask, region.box.size(), reference.labels.primary().geometry.spacing, flat);
  return kept;
}

}  // namespace lamina::surface
