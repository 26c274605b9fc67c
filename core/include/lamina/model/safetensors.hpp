// The weights format: 8 bytes of header length, a JSON header, raw little-endian tensors.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/tensors.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace lamina {

struct SafetensorsFile {
  TensorDict tensors;
  std::map<std::string, std::string> metadata;
};

struct TensorEntry {
  std::string name, dtype;
  std::vector<int64_t> shape;
};

/// Reads everything. DataError names the file and the fact: truncated, overlapping, unknown dtype, header too large.
LAMINA_API SafetensorsFile read_safetensors(const std::filesystem::path& file);
/// Reads only the header.
LAMINA_API std::vector<TensorEntry> list_safetensors(const std::filesystem::path& file, std::map<std::string, std::string>* metadata = nullptr);
/// Writes under a temporary name, flushes to the disk, then renames: the old file survives a full disk (StorageError).
LAMINA_API void write_safetensors(const std::filesystem::path& file, const TensorDict& tensors,
                                  const std::map<std::string, std::string>& metadata = {});

}  // namespace lamina
