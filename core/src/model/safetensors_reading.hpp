// Reading safetensors with somebody watching.
#pragma once

#include <lamina/model/safetensors.hpp>

#include <cstdint>
#include <functional>

namespace lamina {

/// read_safetensors that tells after each tensor how many bytes of the file are read.
LAMINA_API SafetensorsFile read_safetensors(const std::filesystem::path& file,
                                            const std::function<void(uint64_t bytes)>& progress);

}  // namespace lamina
