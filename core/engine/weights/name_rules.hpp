// The maps as data: the first rule that fits a name rewrites it.
#pragma once

#include <span>
#include <string>

namespace lamina::engine {

/// `from` is a dotted name in which `*` stands for one segment, a final `**` for the rest, and {n}, {2n}, {2n+1} within
/// a segment for a number, an even or an odd one, of which they find n without leading zeros; `to` takes what was found
/// as {1}, {2}, in their order. "" drops the name.
struct NameRule {
  const char *from, *to;
};

struct NameMap {
  const char* name;
  std::span<const NameRule> rules;
};

std::span<const NameMap> name_rules();

}  // namespace lamina::engine
