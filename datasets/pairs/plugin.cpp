// Pairs as a plugin.
#include "pairs.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(dataset, pairs, lamina::Pairs, "1", "Images and labels by a CSV list or from two folders")
LAMINA_PLUGIN(dataset_pairs, "0.1.0", "Apache-2.0", COMPONENTS)
