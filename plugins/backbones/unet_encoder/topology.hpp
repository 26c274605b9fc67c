// Kernels and strides of a U-Net that fit a patch: nnU-Net's pooling rules.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace lamina::unet_encoder {

/// One entry per stage, each (z, y, x).
struct Topology {
  std::vector<std::array<int64_t, 3>> kernels, strides;
};

/// Halves the axes of `patch` until no axis is left that could be halved; an axis waits while its spacing is twice that
/// of the finest one. Only axes in `dimensions` (3: all, 2: y and x) take part; the others keep kernel and stride 1.
/// At most `most_stages` stages; 0: no limit.
Topology plan_topology(const std::array<int64_t, 3>& patch, const std::array<double, 3>& spacing, int64_t dimensions,
                       size_t most_stages);

}  // namespace lamina::unet_encoder
