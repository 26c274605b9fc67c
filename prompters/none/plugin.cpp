// Registers the component.
#include "none.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(prompter, none, lamina::None, "1", "no prompts")
LAMINA_PLUGIN(prompter_none, "0.1.0", "Apache-2.0", COMPONENTS)
