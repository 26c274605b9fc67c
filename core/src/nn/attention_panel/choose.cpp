// Which kernel this processor runs.
#include "panel.hpp"

namespace lamina::nn::panel {
namespace {

constexpr long kWidestPanel = 64, kMostTileKeys = 128;

}  // namespace

size_t workspace_floats(long height, long width, long depth) {
  const long longer = height > width ? height : width;
  return static_cast<size_t>((2 * depth + height + width + 2 * longer + kMostTileKeys + 3) * kWidestPanel);
}

Kernel best_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return attend_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return attend_avx2;
#endif
  return nullptr;
}

}  // namespace lamina::nn::panel
