// Registers the component.
#include "depth_conv.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(adapter, depth_conv, lamina::DepthConv, "1", "3D depth-convolution bottleneck (MaskSAM)")
LAMINA_PLUGIN(adapter_depth_conv, "0.1.0", "Apache-2.0", COMPONENTS)
