// The plugin of the sliding window.
#include "sliding_window.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(inferer, sliding_window, lamina::SlidingWindow, "1", "Overlapping patches, weighted and averaged slab by slab")
LAMINA_PLUGIN(inferer_sliding_window, "0.1.0", "Apache-2.0", COMPONENTS)
