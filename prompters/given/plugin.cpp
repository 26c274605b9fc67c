// Registers the component.
#include "given.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(prompter, given, lamina::Given, "1", "the user's own points, boxes and masks")
LAMINA_PLUGIN(prompter_given, "0.1.0", "Apache-2.0", COMPONENTS)
