// Dotted paths into an experiment: model.adapters[depth].ratio, prepare[0], train.epochs.
#pragma once

#include <string>
#include <vector>

namespace lamina::engine {

/// One step of a path: a key of an object, or an entry of a list by id or index.
struct PathStep {
  std::string key;
  bool entry = false;  // true: [key]
};

/// ConfigError when the path is empty or its brackets do not close.
std::vector<PathStep> parse_path(const std::string& path);
/// The inverse of parse_path().
std::string format_path(const std::vector<PathStep>& steps);
/// "a" and "b" -> "a.b"; "" and "b" -> "b".
std::string join_path(const std::string& parent, const std::string& key);

}  // namespace lamina::engine
