// Registers the components.
#include "resample.hpp"
#include "resize.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                        \
  C(transform, resample, lamina::Resample, "1",                                              \
    "one voxel spacing for all cases: cubic images, linear labels, thick slices kept apart") \
  C(transform, resize, lamina::Resize, "1", "one number of voxels for all cases, whatever their spacing")
LAMINA_PLUGIN(transform_resample, "0.1.0", "Apache-2.0", COMPONENTS)
