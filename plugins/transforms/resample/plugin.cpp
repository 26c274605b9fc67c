// Registers the component.
#include "resample.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                           \
  C(transform, resample, lamina::Resample, "1", \
    "one voxel spacing for all cases: cubic images, linear labels, thick slices kept apart")
LAMINA_PLUGIN(transform_resample, "0.1.0", "Apache-2.0", COMPONENTS)
