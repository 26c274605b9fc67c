// Reading safetensors with somebody watching, or by other ways than files' streams.
#pragma once

#include "model/safetensors_header.hpp"

#include <lamina/model/safetensors.hpp>

#include <cstdint>
#include <functional>

namespace lamina {

/// read_safetensors that tells after each tensor how many bytes of the file are read.
LAMINA_API SafetensorsFile read_safetensors(const std::filesystem::path& file,
                                            const std::function<void(uint64_t bytes)>& progress);

/// Every type that a header may name has its counterpart.
LAMINA_API torch::ScalarType scalar_type_of(const StoredType& stored);

}  // namespace lamina
