// The surfaces of a prediction and its reference, and how far each lies from the other.
#pragma once

#include <lamina/objective/class_regions.hpp>

#include <vector>

namespace lamina::surface {

enum class Border {
  Voxels,    ///< voxels of the mask with a face neighbour outside it or outside the image (MedPy, MONAI)
  Elements,  ///< pieces of surface between voxel centres, with their areas (surface-distance)
};

/// Sorted by distance, mm. Sizes of the elements stand beside the distances; voxels have none.
struct SurfaceDistances {
  std::vector<double> to_reference, to_prediction;       ///< from the predicted surface, from the reference's
  std::vector<double> predicted_sizes, reference_sizes;  ///< mm^2; mm in 2D
};

/// Computed once per class and kind of border. Both masks must have voxels. An image with D = 1 is flat: its contours
/// run within the slice.
const SurfaceDistances& surface_distances(const Volume& prediction, const Case& reference, const ClassRegion& region,
                                          Border border, Scratch& scratch);

}  // namespace lamina::surface
