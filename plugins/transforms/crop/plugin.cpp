// Registers the components.
#include "crop_nonzero.hpp"
#include "repeat_ends.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                                   \
  C(transform, crop_nonzero, lamina::CropNonzero, "1", "cuts away the border where every channel is 0") \
  C(transform, repeat_ends, lamina::RepeatEnds, "1", "the first and last slice once more, for windows of slices")
LAMINA_PLUGIN(transform_crop, "0.1.0", "Apache-2.0", COMPONENTS)
