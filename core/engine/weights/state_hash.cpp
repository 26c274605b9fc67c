#include "engine/weights/state_hash.hpp"

#include "engine/experiment/sha256.hpp"

#include <string_view>

#include <torch/types.h>

namespace lamina::engine {

std::string state_hash(const StateDict& state) {
  std::string content;
  for (const auto& [name, tensor] : state) {
    const torch::Tensor plain = tensor.cpu().contiguous();
    content += name + sha256(std::string_view(static_cast<const char*>(plain.data_ptr()), plain.nbytes()));
  }
  return sha256(content);
}

}  // namespace lamina::engine
