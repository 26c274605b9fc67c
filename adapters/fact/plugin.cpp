// Registers the component.
#include "fact.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                 \
  C(adapter, fact, lamina::Fact, "1", \
    "low-rank change of linear maps with factors shared by all blocks (FacT-TT, MA-SAM)")
LAMINA_PLUGIN(adapter_fact, "0.1.0", "Apache-2.0", COMPONENTS)
