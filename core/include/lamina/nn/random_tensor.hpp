// Tensors drawn from lamina's own random streams.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/base/random.hpp>

#include <ATen/core/Generator.h>
#include <torch/types.h>

namespace lamina::nn {

/// A CPU generator seeded from the stream; advances `random` by one draw.
LAMINA_API torch::Generator make_generator(Random& random);

}  // namespace lamina::nn
