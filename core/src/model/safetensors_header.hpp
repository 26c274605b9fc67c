// The header of a safetensors file: a length and a JSON object. Knows no torch, so that it can be fuzzed alone.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lamina {

/// A kind of number, and its width in bytes.
struct StoredType {
  const char* name;
  uint64_t bytes;
};

struct StoredTensor {
  std::string name;
  StoredType type;
  std::vector<int64_t> shape;
  uint64_t begin, end;  ///< bytes behind the header
};

struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  ///< by offset
  std::map<std::string, std::string> metadata;
  uint64_t data_begin = 0;
};

inline constexpr uint64_t kSafetensorsPrefix = 8;  ///< bytes that hold the header's length

/// The header's length as the file's first bytes claim it, checked against the size of the file. DataError.
LAMINA_API uint64_t safetensors_header_length(std::string_view prefix, uint64_t file_bytes,
                                              const std::filesystem::path& file);

/// Reads the header proper. Headers come from strangers, so every number is checked before it is used: tensors lie side
/// by side and fill the file. DataError names the file and the fact.
LAMINA_API SafetensorsHeader parse_safetensors_header(const std::string& content, uint64_t file_bytes,
                                                      const std::filesystem::path& file);

/// What a file begins with whose tensors follow in this order: the length and the header. `begin` and `end` of the
/// tensors are not looked at.
LAMINA_API std::string safetensors_start(const std::vector<StoredTensor>& tensors,
                                         const std::map<std::string, std::string>& metadata);

}  // namespace lamina
