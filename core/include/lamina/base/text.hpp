// Small text helpers: joining, quoting, "did you mean".
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace lamina {

/// All arguments streamed into one string: text("patch ", 3, " of ", 4).
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Items separated by `separator`; "" for none.
template <class Range>
std::string join(const Range& items, std::string_view separator = ", ") {
  std::ostringstream out;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out << separator;
    out << item;
    first = false;
  }
  return out.str();
}

/// The first `shown` items, and how many there are beyond: "a, b and 7 more".
LAMINA_API std::string join_first(const std::vector<std::string>& items, size_t shown);

LAMINA_API std::vector<std::string> split(std::string_view text, char separator);

/// The candidate nearest to `word` by Damerau-Levenshtein distance, "" when none is within max(2, length/3).
LAMINA_API std::string closest(std::string_view word, const std::vector<std::string>& candidates);

/// " (did you mean 'kernel'?)", or "" when nothing is near.
LAMINA_API std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// 1536 -> "1.5 KiB".
LAMINA_API std::string human_bytes(int64_t bytes);

/// 3725 -> "1 h 02 min"; 12.3 -> "12 s".
LAMINA_API std::string human_seconds(double seconds);

}  // namespace lamina
