// The one check of tensor shapes inside networks.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

namespace lamina::nn {

inline constexpr int64_t kAny = -1;

/// Throws Error naming `what`, the shape got and the shape expected (kAny prints as *).
LAMINA_API void require_shape(const torch::Tensor& tensor, const std::vector<int64_t>& expected, const std::string& what);

}  // namespace lamina::nn
