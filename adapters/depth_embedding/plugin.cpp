// Registers the component.
#include "depth_embedding.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(adapter, depth_embedding, lamina::DepthEmbedding, "1", "learned position along depth (MaskSAM)")
LAMINA_PLUGIN(adapter_depth_embedding, "0.1.0", "Apache-2.0", COMPONENTS)
