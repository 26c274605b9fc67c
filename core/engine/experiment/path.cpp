// Reading and writing of dotted paths.
#include "engine/experiment/path.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

namespace lamina::engine {

namespace {

ConfigError broken(const std::string& path, const std::string& why) {
  return ConfigError(text("the path '", path, "' ", why, "; expected words joined by dots, list entries in brackets: ",
                          "model.adapters[depth].ratio"));
}

}  // namespace

std::vector<PathStep> parse_path(const std::string& path) {
  std::vector<PathStep> steps;
  size_t at = 0;
  while (at < path.size()) {
    if (path[at] == '[') {
      const size_t close = path.find(']', at);
      if (close == std::string::npos) throw broken(path, "has a '[' that never closes");
      if (close == at + 1) throw broken(path, "has empty brackets");
      steps.push_back({path.substr(at + 1, close - at - 1), true});
      at = close + 1;
      if (at < path.size() && path[at] != '.' && path[at] != '[') throw broken(path, "goes on without a dot after ']'");
    } else {
      if (path[at] == '.') {
        if (steps.empty()) throw broken(path, "begins with a dot");
        ++at;
      } else if (!steps.empty()) {
        throw broken(path, "lacks a dot");
      }
      const size_t end = std::min(path.find_first_of(".[]", at), path.size());
      if (end == at) throw broken(path, "has an empty word");
      if (end < path.size() && path[end] == ']') throw broken(path, "has a ']' without '['");
      steps.push_back({path.substr(at, end - at), false});
      at = end;
    }
  }
  if (steps.empty() || steps.front().entry) throw broken(path, "names nothing");
  return steps;
}

std::string format_path(const std::vector<PathStep>& steps) {
  std::string path;
  for (const PathStep& step : steps) path = step.entry ? path + "[" + step.key + "]" : join_path(path, step.key);
  return path;
}

std::string join_path(const std::string& parent, const std::string& key) {
  return parent.empty() ? key : parent + "." + key;
}

}  // namespace lamina::engine
