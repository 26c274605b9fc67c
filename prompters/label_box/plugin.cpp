// Registers the component.
#include "label_box.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(prompter, label_box, lamina::LabelBox, "1", "boxes around what the label shows in each slice (uses ground truth)")
LAMINA_PLUGIN(prompter_label_box, "0.1.0", "Apache-2.0", COMPONENTS)
