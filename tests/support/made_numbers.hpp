// Numbers that any language makes the same way, so that large weights need no file. Python:
// tests/parity/made_numbers.py.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace lamina::testing {

/// Numbers between low and high: a hash of the position, in whole numbers.
inline torch::Tensor made(int64_t index, const std::vector<int64_t>& shape, double low, double high) {
  constexpr int64_t kMask = 0xFFFFFFFF;
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  torch::Tensor numbers = torch::empty({count}, torch::kFloat32);
  auto* number = numbers.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    auto x = static_cast<uint64_t>(i + index * 0x9E3779B1);
    for (int round = 0; round < 2; ++round) {
      x = (x & kMask) ^ ((x & kMask) >> 16);
      x = (x * 0x45D9F3B) & kMask;
    }
    x ^= x >> 16;
    number[i] = static_cast<float>(low + (high - low) * (static_cast<double>(x) / 4294967296.0));
  }
  return numbers.view(shape);
}

}  // namespace lamina::testing
