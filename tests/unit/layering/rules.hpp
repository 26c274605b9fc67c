// Who may include what. The drawing is in docs/README.md; here it is enforced.
#pragma once

#include "source_tree.hpp"

#include <map>
#include <set>

namespace lamina::layering {

/// Rooms from the bottom up, each with the rooms it may use besides itself.
inline const std::map<std::string, std::set<std::string>>& rooms() {
  static const std::map<std::string, std::set<std::string>> kRooms{
      {"base", {}},
      {"options", {"base"}},
      {"plugin", {"base", "options"}},
      {"nn", {"base"}},
      {"data", {"base", "options", "plugin", "nn"}},
      {"io", {"base", "options", "plugin", "nn", "data"}},
      {"model", {"base", "options", "plugin", "nn", "data"}},
      {"objective", {"base", "options", "plugin", "nn", "data", "model"}},
      {"segment", {"base", "options", "plugin", "nn", "data", "model"}},
      {"engine", {"base", "options", "plugin", "nn", "data", "io", "model", "objective", "segment"}},
      {"cli", {"base", "options", "plugin", "nn", "data", "io", "model", "objective", "segment", "engine"}},
      {"component", {"base", "options", "plugin", "nn", "data", "io", "model", "objective"}},
  };
  return kRooms;
}

/// Libraries that only some places may know: the start of the include, and the starts of the files that may.
inline const std::map<std::string, std::vector<std::string>>& guarded() {
  static const std::map<std::string, std::vector<std::string>> kGuarded{
      {"nlohmann/", {"core/src/options/", "core/src/plugin/", "core/src/model/safetensors", "core/engine/", "cli/"}},
      {"itk", {"core/src/io/", "plugins/transforms/", "plugins/metrics/", "plugins/postprocess/", "datasets/"}},
      {"boost/dll", {"core/src/plugin/loader.cpp", "cli/light.cpp"}},
      {"boost/program_options", {"cli/"}},
      {"boost/log", {"core/src/base/log.cpp"}},
      {"boost/", {"core/src/", "core/engine/", "cli/"}},
      {"openssl/", {"core/engine/"}},
      {"curl/", {"core/engine/weights/"}},
      {"zip.h", {"core/engine/weights/"}},
      {"sqlite3", {"core/engine/"}},
      {"mustache", {"core/engine/"}},
  };
  return kGuarded;
}

/// What the room `model` sees of nn: sites, checks, generators; never a network's blocks.
inline const std::set<std::string>& model_sees_of_nn() {
  static const std::set<std::string> kFiles{"lamina/nn/site.hpp", "lamina/nn/shape_check.hpp",
                                            "lamina/nn/random_tensor.hpp", "lamina/nn/fold.hpp",
                                            "lamina/nn/depthwise_conv.hpp"};
  return kFiles;
}

inline bool starts_with_any(const std::string& text, const std::vector<std::string>& starts) {
  return std::any_of(starts.begin(), starts.end(), [&](const auto& start) { return text.starts_with(start); });
}

/// core/include/lamina/data/x.hpp and core/src/data/x.cpp: data. Empty for files of no room.
inline std::string room_of_file(const std::string& file) {
  std::smatch match;
  if (std::regex_search(file, match, std::regex(R"(^core/(?:include/lamina|src)/(\w+)/)"))) return match[1];
  if (file.starts_with("core/engine/")) return "engine";
  if (file.starts_with("cli/")) return "cli";
  if (starts_with_any(file, {"plugins/", "adapters/", "prompters/", "decoders/", "datasets/"})) return "component";
  return "";
}

/// The room an include belongs to; empty for the standard library, other libraries and neighbours.
inline std::string room_of_include(const std::string& target) {
  std::smatch match;
  if (std::regex_search(target, match, std::regex(R"(^lamina/(\w+)/)"))) return match[1];
  if (target.starts_with("engine/")) return "engine";
  if (std::regex_search(target, match, std::regex(R"(^(options|plugin|nn|data|io|model|objective|segment|base)/)")))
    return match[1];
  return "";
}

inline bool is_torch(const std::string& target) { return starts_with_any(target, {"torch/", "ATen/", "c10/"}); }

/// "" when the include is allowed, else why not.
inline std::string objection(const Include& include) {
  const std::string from = room_of_file(include.file), to = room_of_include(include.target);
  if (from.empty()) return "";
  if (!to.empty() && to != from && !rooms().at(from).contains(to))
    return "the room " + from + " may not use the room " + to;
  if (from == "model" && to == "nn" && !model_sees_of_nn().contains(include.target))
    return "model sees no blocks of networks";
  if (is_torch(include.target) && (from == "base" || from == "options" || from == "plugin"))
    return "light verbs must start without torch";
  const bool header = include.file.starts_with("core/include/");
  if (include.target == "torch/torch.h")
    return "it costs every file 5 s more than the torch headers of what the file uses";
  for (const auto& [library, places] : guarded()) {
    if (!include.target.starts_with(library)) continue;
    if (header || !starts_with_any(include.file, places)) return "only some places may know " + library;
  }
  return "";
}

}  // namespace lamina::layering
