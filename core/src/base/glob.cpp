// Globs: braces are written out once, then segments are matched one by one.
#include <lamina/base/error.hpp>
#include <lamina/base/glob.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace lamina {
namespace {

constexpr size_t kMostAlternatives = 4096;  // {0..9}{0..9}{0..9}{0..9} is a typo, not a wish

std::optional<int64_t> whole_number(std::string_view digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return value;
}

[[noreturn]] void refuse(const std::string& pattern, const std::string& reason) {
  throw ConfigError(text("glob '", pattern, "': ", reason));
}

/// Parts of a brace's inside, separated by the commas of that level.
std::vector<std::string> choices_of(std::string_view inside, const std::string& pattern) {
  const size_t dots = inside.find("..");
  if (dots != std::string_view::npos && inside.find_first_of(",{") == std::string_view::npos) {
    const auto first = whole_number(inside.substr(0, dots)), last = whole_number(inside.substr(dots + 2));
    if (first && last) {
      if (*first > *last) refuse(pattern, text("the range {", inside, "} runs backwards"));
      if (static_cast<uint64_t>(*last) - static_cast<uint64_t>(*first) >= kMostAlternatives)
        refuse(pattern, text("the range {", inside, "} is too long"));
      std::vector<std::string> numbers;
      for (int64_t number = *first; number <= *last; ++number) numbers.push_back(std::to_string(number));
      return numbers;
    }
  }
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char letter : inside) {
    depth += letter == '{' ? 1 : letter == '}' ? -1 : 0;
    if (letter == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

size_t closing_brace(const std::string& text, size_t open, const std::string& pattern) {
  int depth = 0;
  for (size_t at = open; at < text.size(); ++at) {
    depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
    if (depth == 0) return at;
  }
  refuse(pattern, "a '{' has no '}'");
}

/// Writes out the braces of `part`, first ones first.
std::vector<std::string> without_braces(const std::string& pattern) {
  std::vector<std::string> done, open{pattern};
  while (!open.empty()) {
    const std::string part = open.back();
    open.pop_back();
    const size_t brace = part.find_first_of("{}");
    if (brace == std::string::npos) {
      done.push_back(part);
    } else {
      if (part[brace] == '}') refuse(pattern, "a '}' has no '{'");
      const size_t close = closing_brace(part, brace, pattern);
      for (const auto& choice : choices_of(std::string_view(part).substr(brace + 1, close - brace - 1), pattern)) {
        open.push_back(part.substr(0, brace) + choice + part.substr(close + 1));
      }
    }
    if (done.size() + open.size() > kMostAlternatives) refuse(pattern, "its braces stand for too many names");
  }
  std::reverse(done.begin(), done.end());
  return done;
}

/// `*` stands for any letters.
bool segment_matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// reach[n]: the patterns so far match the first n segments.
bool segments_match(const std::vector<std::string>& patterns, const std::vector<std::string>& names) {
  std::vector<bool> reach(names.size() + 1, false);
  reach[0] = true;
  for (const auto& pattern : patterns) {
    std::vector<bool> next(names.size() + 1, false);
    const bool any = pattern == "**";
    if (any) next[0] = reach[0];
    for (size_t n = 1; n <= names.size(); ++n) {
      next[n] = any ? reach[n] || next[n - 1] : reach[n - 1] && segment_matches(pattern, names[n - 1]);
    }
    reach.swap(next);
  }
  return reach.back();
}

}  // namespace

Glob::Glob(std::string pattern) : pattern_(std::move(pattern)) {
  for (const auto& plain : without_braces(pattern_)) alternatives_.push_back(split(plain, '.'));
}

bool Glob::matches(std::string_view name) const {
  const auto names = split(name, '.');
  return std::any_of(alternatives_.begin(), alternatives_.end(),
                     [&](const auto& patterns) { return segments_match(patterns, names); });
}

}  // namespace lamina
