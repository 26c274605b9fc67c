// Registers the component.
#include "unet.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(decoder, unet, lamina::Unet, "1", "nnU-Net's decoder with deep supervision, 2D or 3D")
LAMINA_PLUGIN(decoder_unet, "0.1.0", "Apache-2.0", COMPONENTS)
