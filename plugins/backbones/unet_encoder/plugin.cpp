// Registers the component.
#include "unet_encoder.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(backbone, unet_encoder, lamina::UnetEncoder, "1", "nnU-Net's encoder, plain or residual, 2D or 3D")
LAMINA_PLUGIN(backbone_unet_encoder, "0.1.0", "Apache-2.0", COMPONENTS)
