// Registers the components.
#include "random_affine.hpp"
#include "random_flip.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                     \
  C(transform, flip, lamina::RandomFlip, "1", "mirrors patches along allowed axes")       \
  C(transform, rotate, lamina::RandomRotate, "1", "turns patches")                        \
  C(transform, scale, lamina::RandomScale, "1", "enlarges and shrinks what patches show") \
  C(transform, affine, lamina::RandomAffine, "1", "turns, scales and shifts patches in one interpolation")
LAMINA_PLUGIN(transform_augment_spatial, "0.1.0", "Apache-2.0", COMPONENTS)
