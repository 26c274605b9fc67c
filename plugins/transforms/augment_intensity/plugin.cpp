// Registers the components.
#include "image_quality.hpp"
#include "intensity_factors.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                             \
  C(transform, gamma, lamina::RandomGamma, "1", "bends the grey scale by a random power")         \
  C(transform, contrast, lamina::RandomContrast, "1", "stretches values about their mean")        \
  C(transform, brightness, lamina::RandomBrightness, "1", "multiplies values by a random factor") \
  C(transform, noise, lamina::RandomNoise, "1", "adds Gaussian noise")                            \
  C(transform, blur, lamina::RandomBlur, "1", "smooths with a Gaussian of random width")          \
  C(transform, low_resolution, lamina::RandomLowResolution, "1", "simulates a coarser scan")
LAMINA_PLUGIN(transform_augment_intensity, "0.1.0", "Apache-2.0", COMPONENTS)
