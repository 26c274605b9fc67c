// Names for collections of tensors.
#pragma once

#include <lamina/base/export.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <torch/types.h>

namespace lamina {

/// Tensors by name, sorted: parameters, buffers, fitted state, auxiliary outputs.
using TensorDict = std::map<std::string, torch::Tensor>;
using StateDict = TensorDict;
using NameSet = std::set<std::string, std::less<>>;

/// z, y, x.
using Size3 = std::array<int64_t, 3>;

}  // namespace lamina
