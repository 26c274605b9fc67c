// Registers the components.
#include "cnn_head.hpp"
#include "linear_head.hpp"
#include "vit_head.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                           \
  C(decoder, vit_head, lamina::VitHead, "1",                                                    \
    "SAM's mask decoder without prompts, once per class (AutoSAM of Hu et al.)")                \
  C(decoder, cnn_head, lamina::CnnHead, "1", "convolutions on the image embedding (Hu et al.)") \
  C(decoder, linear_head, lamina::LinearHead, "1",                                              \
    "SAM's upscaling and a linear map on the image embedding (Hu et al.)")
LAMINA_PLUGIN(decoder_light_heads, "0.1.0", "Apache-2.0", COMPONENTS)
