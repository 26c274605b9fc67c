// Registers the component.
#include "sam_vit.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(backbone, sam_vit, lamina::SamVit, "1", "SAM's image encoder: a vision transformer on slices")
LAMINA_PLUGIN(backbone_sam_vit, "0.1.0", "Apache-2.0", COMPONENTS)
