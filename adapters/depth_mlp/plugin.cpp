// Registers the component.
#include "depth_mlp.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(adapter, depth_mlp, lamina::DepthMlp, "1", "perceptron along depth in a bottleneck (MaskSAM)")
LAMINA_PLUGIN(adapter_depth_mlp, "0.1.0", "Apache-2.0", COMPONENTS)
