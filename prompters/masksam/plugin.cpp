// Registers the component.
#include "masksam.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(prompter, masksam, lamina::Masksam, "1", "masks, boxes and class tokens per query (MaskSAM)")
LAMINA_PLUGIN(prompter_masksam, "0.1.0", "Apache-2.0", COMPONENTS)
