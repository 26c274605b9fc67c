// Registers the component.
#include "mobile_sam.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(backbone, mobile_sam, lamina::MobileSam, "1", "MobileSAM's image encoder: TinyViT on slices")
LAMINA_PLUGIN(backbone_mobile_sam, "0.1.0", "Apache-2.0", COMPONENTS)
