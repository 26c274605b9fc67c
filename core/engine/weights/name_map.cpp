// Applies the maps' rules to the names of a state dict.
#include "engine/weights/name_map.hpp"

#include "engine/weights/name_rules.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>

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

/// What the stars of a pattern find in a name; nothing where it does not fit.
std::optional<std::vector<std::string>> match(const std::vector<std::string>& pattern,
                                              const std::vector<std::string>& name) {
  std::vector<std::string> found;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "**") {
      if (i >= name.size()) return {};
      found.push_back(join(std::vector<std::string>(name.begin() + static_cast<long>(i), name.end()), "."));
      return found;
    }
    if (i >= name.size() || (pattern[i] != "*" && pattern[i] != name[i])) return {};
    if (pattern[i] == "*") found.push_back(name[i]);
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

StateDict unwrapped(StateDict state, const NameMap& map, std::vector<std::string>& dropped) {
  const auto has = [](const std::string& prefix) {
    return [prefix](const auto& item) { return item.first.starts_with(prefix); };
  };
  for (const std::string container : kContainers) {
    if (std::ranges::none_of(state, has(container))) continue;
    for (const auto& [name, tensor] : state) {
      if (!name.starts_with(container)) dropped.push_back(name);
    }
    state = behind(container, state);
  }
  for (const std::string wrapper : kWrappers) {
    if (!state.empty() && !speaks_of(map, wrapper) && std::ranges::all_of(state, has(wrapper)))
      state = behind(wrapper, state);
  }
  return state;
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

std::string renamed(const std::string& name, const std::string& map) { return renamed_by(map_called(map), name); }

Renamed rename(const StateDict& state, const std::string& map_name) {
  const NameMap& map = map_called(map_name);
  Renamed result;
  if (map_name == kNone) {
    result.state = state;
    return result;
  }
  for (const auto& [name, tensor] : unwrapped(state, map, result.dropped)) {
    const std::string ours = name.find(kTwin) == std::string::npos ? renamed_by(map, name) : "";
    if (ours.empty()) {
      result.dropped.push_back(name);
    } else if (!result.state.emplace(ours, tensor).second) {
      throw DataError(text("the map '", map_name, "' makes '", ours, "' of two names, one of them '", name, "'"));
    }
  }
  return result;
}

}  // namespace lamina::engine
