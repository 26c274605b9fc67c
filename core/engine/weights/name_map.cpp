// Applies the maps' rules to the names of a state dict.
#include "engine/weights/name_map.hpp"

#include "engine/weights/name_rules.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>

#include <torch/types.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

constexpr const char* kNone = "none";
/// What holds the weights among other things, and what wrappers put before every name.
constexpr const char* kContainers[] = {"network_weights.", "state_dict.", "model."};
constexpr const char* kWrappers[] = {"module.", "_orig_mod.", "sam.", "sam_model."};
/// nnU-Net's blocks list every layer a second time.
constexpr const char* kTwin = ".all_modules.";

const NameMap& map_called(const std::string& name) {
  for (const NameMap& map : name_rules()) {
    if (name == map.name) return map;
  }
  throw ConfigError(
      text("there is no map '", name, "'", did_you_mean(name, name_maps()), "; there are: ", join(name_maps())));
}

/// n of a segment such as "w_a_005" by a pattern such as "w_a_{2n+1}": 2. Nothing where it does not fit.
std::optional<std::string> number_in(const std::string& pattern, const std::string& segment) {
  const size_t open = pattern.find('{'), close = pattern.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  const std::string before = pattern.substr(0, open), behind = pattern.substr(close + 1);
  if (segment.size() <= before.size() + behind.size() || !segment.starts_with(before) || !segment.ends_with(behind))
    return {};
  const std::string digits = segment.substr(before.size(), segment.size() - before.size() - behind.size());
  constexpr size_t kMost = 9;
  if (digits.size() > kMost || digits.find_first_not_of("0123456789") != std::string::npos) return {};
  const int64_t number = std::stoll(digits);
  const std::string form = pattern.substr(open + 1, close - open - 1);
  if (form == "n") return std::to_string(number);
  if (number % 2 != (form == "2n+1" ? 1 : 0)) return {};
  return std::to_string(number / 2);
}

/// What the stars and numbers of a pattern find in a name; nothing where it does not fit.
std::optional<std::vector<std::string>> match(const std::vector<std::string>& pattern,
                                              const std::vector<std::string>& name) {
  std::vector<std::string> found;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "**") {
      if (i >= name.size()) return {};
      found.push_back(join(std::vector<std::string>(name.begin() + static_cast<long>(i), name.end()), "."));
      return found;
    }
    if (i >= name.size()) return {};
    if (pattern[i] == "*") {
      found.push_back(name[i]);
    } else if (const auto number = number_in(pattern[i], name[i])) {
      found.push_back(*number);
    } else if (pattern[i] != name[i]) {
      return {};
    }
  }
  if (pattern.size() != name.size()) return {};
  return found;
}

std::string filled(std::string result, const std::vector<std::string>& found) {
  for (size_t i = 0; i < found.size(); ++i) {
    const std::string slot = text("{", i + 1, "}");
    const auto at = result.find(slot);
    if (at != std::string::npos) result.replace(at, slot.size(), found[i]);
  }
  return result;
}

std::string renamed_by(const NameMap& map, const std::string& name) {
  const auto segments = split(name, '.');
  for (const NameRule& rule : map.rules) {
    if (const auto found = match(split(rule.from, '.'), segments)) return filled(rule.to, *found);
  }
  return name;
}

/// A map whose rules speak of a wrapper wants to see it.
bool speaks_of(const NameMap& map, const std::string& prefix) {
  return std::ranges::any_of(map.rules,
                             [&](const NameRule& rule) { return std::string(rule.from).starts_with(prefix); });
}

/// One table under two names, as transformers saves SAM's positional encoding.
bool same_values(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && torch::equal(a, b);
}

}  // namespace

const std::vector<std::string>& name_maps() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const NameMap& map : name_rules()) all.emplace_back(map.name);
    return all;
  }();
  return names;
}

StateDict behind(const std::string& prefix, const StateDict& state) {
  StateDict part;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with(prefix)) part[name.substr(prefix.size())] = tensor;
  }
  return part;
}

std::string wrapping(const std::vector<std::string>& names, const std::string& map_name) {
  const NameMap& map = map_called(map_name);
  std::string prefix;
  const auto inside = [](const std::string& start) {
    return [start](const std::string& name) { return name.starts_with(start); };
  };
  for (const std::string container : kContainers) {
    if (std::ranges::any_of(names, inside(prefix + container))) prefix += container;
  }
  for (const std::string wrapper : kWrappers) {
    if (speaks_of(map, wrapper)) continue;
    const auto all = std::ranges::count_if(names, inside(prefix));
    if (all > 0 && std::ranges::count_if(names, inside(prefix + wrapper)) == all) prefix += wrapper;
  }
  return prefix;
}

std::string renamed(const std::string& name, const std::string& map) { return renamed_by(map_called(map), name); }

Renamed rename(const StateDict& state, const std::string& map_name) {
  const NameMap& map = map_called(map_name);
  Renamed result;
  if (map_name == kNone) {
    result.state = state;
    return result;
  }
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  const std::string prefix = wrapping(names, map_name);
  for (const auto& [whole, tensor] : state) {
    if (!whole.starts_with(prefix)) {
      result.dropped.push_back(whole);
      continue;
    }
    const std::string name = whole.substr(prefix.size());
    const std::string ours = name.find(kTwin) == std::string::npos ? renamed_by(map, name) : "";
    if (ours.empty()) {
      result.dropped.push_back(name);
    } else if (const auto [place, added] = result.state.emplace(ours, tensor); !added) {
      if (!same_values(place->second, tensor))
        throw DataError(text("the map '", map_name, "' makes '", ours,
                             "' of two names with different values, one of them '", name, "'"));
      result.dropped.push_back(name);
    }
  }
  return result;
}

}  // namespace lamina::engine
