// Registers the components.
#include "curves.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                       \
  C(schedule, poly, lamina::Poly, "1", "(1 - progress)^power, nnU-Net's schedule")          \
  C(schedule, cosine, lamina::Cosine, "1", "half a cosine wave")                            \
  C(schedule, exponential, lamina::Exponential, "1", "the same factor from epoch to epoch") \
  C(schedule, constant, lamina::Constant, "1", "the base rate throughout")
LAMINA_PLUGIN(schedule_basic, "0.1.0", "Apache-2.0", COMPONENTS)
