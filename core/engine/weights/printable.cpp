// Decides character by character what a terminal may show.
#include "engine/weights/printable.hpp"

#include <algorithm>
#include <cstdint>

namespace lamina::engine {
namespace {

/// Bytes of the UTF-8 character at `at` that a terminal may show; 0 for control characters and broken ones.
size_t printable_length(std::string_view name, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(i < name.size() ? name[i] : 0); };
  const uint8_t first = byte(at);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  uint32_t code = first & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0xA0, 0x800, 0x10000};  // below 0xA0 there are only control characters
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return code >= kSmallest[length] && code <= 0x10FFFF && !surrogate ? length : 0;
}

}  // namespace

std::string printable(std::string_view name, size_t most) {
  std::string shown;
  for (size_t at = 0; at < name.size();) {
    if (shown.size() >= most) return shown + "...";
    const size_t length = printable_length(name, at);
    shown += length ? name.substr(at, length) : "?";
    at += std::max<size_t>(length, 1);
  }
  return shown;
}

bool is_printable(std::string_view name, size_t most) { return name.size() <= most && printable(name, most) == name; }

}  // namespace lamina::engine
