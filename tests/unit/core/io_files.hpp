// The volume files of tests/parity/io_files.safetensors, put on disk for a test.
#pragma once

#include "temporary_folder.hpp"

#include <lamina/model/safetensors.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/ATen.h>

namespace lamina::testing {

inline const TensorDict& io_goldens() {
  static const TensorDict goldens =
      read_safetensors(LAMINA_TEST_SOURCE_DIR "/tests/parity/io_files.safetensors").tensors;
  return goldens;
}

inline std::string golden_bytes(const std::string& name) {
  const at::Tensor bytes = io_goldens().at("file." + name).contiguous();
  return {static_cast<const char*>(bytes.data_ptr()), static_cast<size_t>(bytes.numel())};
}

/// Names of the golden files that start with `prefix`.
inline std::vector<std::string> golden_files(const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : io_goldens()) {
    if (name.starts_with("file." + prefix)) names.push_back(name.substr(5));
  }
  return names;
}

inline std::filesystem::path put(const TemporaryFolder& folder, const std::string& name) {
  return folder.write(name, golden_bytes(name));
}

}  // namespace lamina::testing
