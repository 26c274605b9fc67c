// Registers the component.
#include "set_match.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                       \
  C(loss, set_match, lamina::SetMatch, "1", \
    "queries are matched with the classes of each slice, then scored by class, mask and box (MaskSAM)")
LAMINA_PLUGIN(loss_set_match, "0.1.0", "Apache-2.0", COMPONENTS)
