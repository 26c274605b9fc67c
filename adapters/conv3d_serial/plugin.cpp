// Registers the component.
#include "conv3d_serial.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(adapter, conv3d_serial, lamina::Conv3dSerial, "1", "3D convolution in a bottleneck on the residual stream (MA-SAM)")
LAMINA_PLUGIN(adapter_conv3d_serial, "0.1.0", "Apache-2.0", COMPONENTS)
