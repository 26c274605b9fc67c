// Globs over dotted names, used alike for sites, parameters and features.
#pragma once

#include <lamina/base/export.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lamina {

/// `*` matches within one dotted segment, `**` any number of segments (none included), `{a,b}` alternatives,
/// `{0..5}` a range of integers. Everything else is literal. Throws ConfigError on unbalanced braces.
class LAMINA_API Glob {
 public:
  explicit Glob(std::string pattern);
  bool matches(std::string_view name) const;
  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::vector<std::vector<std::string>> alternatives_;  // brace-free patterns, split into segments
};

}  // namespace lamina
