// The identity of tensors by what they hold.
#pragma once

#include <lamina/data/tensors.hpp>

#include <string>

namespace lamina::engine {

/// SHA-256 over names and bytes, as 64 hexadecimal digits; tensors may lie on any device.
std::string state_hash(const StateDict& state);

}  // namespace lamina::engine
