// Joining, splitting, "did you mean", and numbers as people read them.
#include <lamina/base/text.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace lamina {
namespace {

/// Optimal string alignment: insert, delete, replace, swap two neighbours, each costs 1.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string rounded(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

}  // namespace

std::string join_first(const std::vector<std::string>& items, size_t shown) {
  if (items.size() <= shown) return join(items);
  const std::vector<std::string> first(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(shown));
  return text(join(first), " and ", items.size() - shown, " more");
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator, start)) {
    parts.emplace_back(text.substr(start, at - start));
    start = at + 1;
  }
  parts.emplace_back(text.substr(start));
  return parts;
}

std::string closest(std::string_view word, const std::vector<std::string>& candidates) {
  const size_t limit = std::max<size_t>(2, word.size() / 3);
  std::string best;
  size_t best_distance = limit + 1;
  for (const auto& candidate : candidates) {
    const size_t longer = std::max(candidate.size(), word.size());
    if (longer - std::min(candidate.size(), word.size()) >= best_distance) continue;
    const size_t steps = distance(word, candidate);
    // A word of which nothing is left is no neighbour.
    if (steps >= best_distance || steps >= longer) continue;
    best = candidate;
    best_distance = steps;
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string near = closest(word, candidates);
  return near.empty() ? "" : text(" (did you mean '", near, "'?)");
}

std::string human_bytes(int64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? text(bytes, " B") : text(rounded("%.1f", value), " ", kUnits[unit]);
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds) || std::abs(seconds) > 1e12) return "unknown time";
  if (seconds < 10) return rounded("%.1f s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return text(whole, " s");
  const auto two = [](int64_t number) { return rounded("%02.0f", static_cast<double>(number)); };
  if (whole < 3600) return text(whole / 60, " min ", two(whole % 60), " s");
  const int64_t minutes = (whole + 30) / 60;
  if (minutes < 48 * 60) return text(minutes / 60, " h ", two(minutes % 60), " min");
  return text(minutes / 1440, " d ", minutes % 1440 / 60, " h");
}

}  // namespace lamina
