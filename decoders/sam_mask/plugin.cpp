// Registers the component.
#include "sam_mask.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(decoder, sam_mask, lamina::SamMask, "1", "SAM's mask decoder: a mask per prompt, or per class")
LAMINA_PLUGIN(decoder_sam_mask, "0.1.0", "Apache-2.0", COMPONENTS)
