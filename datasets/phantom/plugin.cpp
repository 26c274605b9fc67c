// Registers the components.
#include "phantom.hpp"
#include "vessels.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                                           \
  C(dataset, phantom, lamina::Phantom, "1", "Abdominal volumes with organs and lesions, generated from a seed") \
  C(dataset, vessels, lamina::Vessels, "1", "Vessels and nodules that only neighbouring slices tell apart")
LAMINA_PLUGIN(dataset_phantom, "0.1.0", "Apache-2.0", COMPONENTS)
