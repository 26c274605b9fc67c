// Torch generators seeded from lamina's own random streams.
#include <lamina/nn/random_tensor.hpp>

#include <ATen/CPUGeneratorImpl.h>

namespace lamina::nn {

torch::Generator make_generator(Random& random) { return at::make_generator<at::CPUGeneratorImpl>(random.bits()); }

}  // namespace lamina::nn
