// Registers the components.
#include "shuffle_labels.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(transform, shuffle_labels, lamina::ShuffleLabels, "1", "a control: labels in random order, which teach nothing")
LAMINA_PLUGIN(transform_control, "0.1.0", "Apache-2.0", COMPONENTS)
