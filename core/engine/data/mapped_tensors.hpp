// A safetensors file mapped into memory: opening costs nothing, and only what is read is loaded.
#pragma once

#include <lamina/model/safetensors.hpp>

#include <filesystem>

namespace lamina::engine {

/// Tensors keep the mapping alive. Writing to them changes this process's copy only. The header is checked as
/// read_safetensors checks it; DataError when the file is damaged.
SafetensorsFile map_safetensors(const std::filesystem::path& file);

}  // namespace lamina::engine
