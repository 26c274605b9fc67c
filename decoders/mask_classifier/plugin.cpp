// Registers the component.
#include "mask_classifier.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(decoder, mask_classifier, lamina::MaskClassifier, "1", "MaskSAM's decoder: a mask and a class for every query")
LAMINA_PLUGIN(decoder_mask_classifier, "0.1.0", "Apache-2.0", COMPONENTS)
