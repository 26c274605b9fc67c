// Registers the component.
#include "hierarchical.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                 \
  C(decoder, hierarchical, lamina::Hierarchical, "1", \
    "H-SAM's two decoders: the second is guided by the first one's masks")
LAMINA_PLUGIN(decoder_hierarchical, "0.1.0", "Apache-2.0", COMPONENTS)
