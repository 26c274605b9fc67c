// The phantom as a plugin.
#include "phantom.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(dataset, phantom, lamina::Phantom, "1", "Abdominal volumes with organs and lesions, generated from a seed")
LAMINA_PLUGIN(dataset_phantom, "0.1.0", "Apache-2.0", COMPONENTS)
