// Registers the component.
#include "largest_component.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                              \
  C(postprocess, largest_component, lamina::LargestComponent, "1", \
    "keeps the largest connected component where that helps on validation cases")
LAMINA_PLUGIN(postprocess_components, "0.1.0", "Apache-2.0", COMPONENTS)
