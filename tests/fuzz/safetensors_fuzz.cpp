// The header of a safetensors file, as the reader takes it from the file's first bytes.
#include "model/safetensors_header.hpp"

#include <lamina/base/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamina;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const uint64_t length = safetensors_header_length(bytes.substr(0, kSafetensorsPrefix), size, "fuzz");
    parse_safetensors_header(std::string(bytes.substr(kSafetensorsPrefix, length)), size, "fuzz");
  } catch (const DataError&) {  // refused in words
  }
  return 0;
}
