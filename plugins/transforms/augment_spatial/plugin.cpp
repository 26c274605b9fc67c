// Registers the components.
#include "erase.hpp"
#include "rand_augment.hpp"
#include "random_affine.hpp"
#include "random_flip.hpp"
#include "rotate90.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                                      \
  C(transform, flip, lamina::RandomFlip, "1", "mirrors patches along allowed axes")                        \
  C(transform, rotate, lamina::RandomRotate, "1", "turns patches")                                         \
  C(transform, rotate90, lamina::RandomRotate90, "1", "turns slices by quarters and mirrors them")         \
  C(transform, scale, lamina::RandomScale, "1", "enlarges and shrinks what patches show")                  \
  C(transform, affine, lamina::RandomAffine, "1", "turns, scales and shifts patches in one interpolation") \
  C(transform, erase, lamina::RandomErase, "1", "a rectangle of noise without labels")                     \
  C(transform, rand_augment, lamina::RandAugment, "1", "a few picture operations, drawn anew each time (MA-SAM)")
LAMINA_PLUGIN(transform_augment_spatial, "0.1.0", "Apache-2.0", COMPONENTS)
