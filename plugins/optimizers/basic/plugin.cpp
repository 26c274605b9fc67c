// Registers the components.
#include "adamw.hpp"
#include "sgd.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                       \
  C(optimizer, adamw, lamina::AdamW, "1", "Adam with weight decay apart from the gradient") \
  C(optimizer, sgd, lamina::Sgd, "1", "stochastic gradient descent with Nesterov momentum")
LAMINA_PLUGIN(optimizer_basic, "0.1.0", "Apache-2.0", COMPONENTS)
