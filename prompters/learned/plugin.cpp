// Registers the component.
#include "learned.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(prompter, learned, lamina::Learned, "1", "prompts that are parameters")
LAMINA_PLUGIN(prompter_learned, "0.1.0", "Apache-2.0", COMPONENTS)
