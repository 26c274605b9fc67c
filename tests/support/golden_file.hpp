// What scripts in tests/parity wrote.
#pragma once

#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <string>

namespace lamina::testing {

/// tests/parity/<name>.safetensors
inline TensorDict golden_file(const std::string& name) {
  return read_safetensors(text(LAMINA_TEST_SOURCE_DIR, "/tests/parity/", name, ".safetensors")).tensors;
}

}  // namespace lamina::testing
