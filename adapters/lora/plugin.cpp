// Registers the component.
#include "lora.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(adapter, lora, lamina::Lora, "1", "low-rank change of linear maps (LoRA, SAMed)")
LAMINA_PLUGIN(adapter_lora, "0.1.0", "Apache-2.0", COMPONENTS)
