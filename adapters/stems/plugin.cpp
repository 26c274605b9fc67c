// Registers the components.
#include "conv_stem.hpp"
#include "simple_stems.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                                    \
  C(adapter, conv_stem, lamina::ConvStem, "1", "convolutions before the encoder, may enlarge (MaskSAM)") \
  C(adapter, project, lamina::Project, "1", "n channels to three by a linear map")                       \
  C(adapter, repeat, lamina::Repeat, "1", "one channel three times")
LAMINA_PLUGIN(adapter_stems, "0.1.0", "Apache-2.0", COMPONENTS)
