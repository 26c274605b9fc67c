// Registers the component.
#include "crop_nonzero.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(transform, crop_nonzero, lamina::CropNonzero, "1", "cuts away the border where every channel is 0")
LAMINA_PLUGIN(transform_crop, "0.1.0", "Apache-2.0", COMPONENTS)
