// Where a volume lies in the patient.
#pragma once

#include <lamina/base/export.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace lamina {

/// Physical space is LPS, in mm. Index axes are named x, y, z (fastest first); tensors hold [C, D, H, W] = [C, z, y, x].
struct Geometry {
  std::array<double, 3> spacing{1, 1, 1};                     ///< z, y, x; mm
  std::array<double, 3> origin{0, 0, 0};                      ///< LPS position of the centre of voxel (0, 0, 0)
  std::array<double, 9> direction{1, 0, 0, 0, 1, 0, 0, 0, 1};  ///< row-major 3x3; column i is the LPS direction of index axis x, y, z
  int dimensions = 3;                                         ///< of the file: 2 for plain images (then D = 1)
  /// The file's own header, kept so that NIfTI in to NIfTI out copies pixdim, qform, sform, codes and units exactly.
  std::shared_ptr<const std::string> header;                  ///< raw bytes; null when there is none
  std::string format;                                         ///< "nifti", "nrrd", "meta", "png", "dicom"; "" when made in memory
};

/// LPS position of a voxel, index in (z, y, x); fractions allowed.
LAMINA_API std::array<double, 3> to_physical(const Geometry& geometry, const std::array<double, 3>& index);
/// Voxel index (z, y, x) of an LPS position.
LAMINA_API std::array<double, 3> to_index(const Geometry& geometry, const std::array<double, 3>& position);
/// The largest distance, in voxels of `a`, between corresponding corners of the two grids of `size` (z, y, x).
LAMINA_API double corner_displacement(const Geometry& a, const Geometry& b, const std::array<int64_t, 3>& size);

/// A half-open box of voxels, z, y, x.
struct Box {
  std::array<int64_t, 3> begin{0, 0, 0};
  std::array<int64_t, 3> end{0, 0, 0};
  std::array<int64_t, 3> size() const { return {end[0] - begin[0], end[1] - begin[1], end[2] - begin[2]}; }
  bool empty() const { return size()[0] <= 0 || size()[1] <= 0 || size()[2] <= 0; }
};

}  // namespace lamina
