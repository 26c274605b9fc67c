// Registers the component.
#include "label_points.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                 \
  C(prompter, label_points, lamina::LabelPoints, "1", \
    "points on what the label shows, and clicks where the mask is wrong (uses ground truth)")
LAMINA_PLUGIN(prompter_label_points, "0.1.0", "Apache-2.0", COMPONENTS)
