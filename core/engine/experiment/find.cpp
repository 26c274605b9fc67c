// Finds experiments and studies by path or bare name.
#include "engine/experiment/experiment.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace lamina::engine {

namespace fs = std::filesystem;

namespace {

/// The file that holds this code: the program or the library it is linked into.
fs::path own_file() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_file), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  return fs::weakly_canonical(info.dli_fname, ignored);
}

/// $LAMINA_EXPERIMENTS (colon separated), then the source tree or the installation that this code lies in.
std::vector<fs::path> experiment_folders() {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& folder) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) folders.push_back(folder);
  };
  if (const char* listed = std::getenv("LAMINA_EXPERIMENTS")) {
    for (const std::string& folder : split(listed, ':')) {
      if (!folder.empty()) add(folder);
    }
  }
  for (fs::path at = own_file().parent_path(); at.has_relative_path(); at = at.parent_path()) {
    add(at / "share" / "lamina" / "experiments");
    std::error_code ignored;
    if (fs::exists(at / "core" / "include" / "lamina", ignored)) add(at / "experiments");
  }
  return folders;
}

std::vector<std::string> known_names(const std::vector<fs::path>& folders) {
  std::set<std::string> names;
  for (const fs::path& folder : folders) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".json") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> json_files_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().filename().string());
  }
  return names;
}

}  // namespace

fs::path find_experiment(const std::string& what) {
  std::error_code ignored;
  if (fs::is_regular_file(what, ignored)) return what;
  if (fs::is_directory(what, ignored)) {
    const fs::path resolved = fs::path(what) / "experiment.resolved.json";
    if (fs::is_regular_file(resolved, ignored)) return resolved;
  }
  const std::vector<fs::path> folders = experiment_folders();
  for (const fs::path& folder : folders) {
    for (const fs::path& file : {folder / what, folder / (what + ".json")}) {
      if (fs::is_regular_file(file, ignored)) return file;
    }
  }
  const fs::path path(what);
  if (path.has_parent_path()) {
    throw ConfigError(text("there is no file '", what, "'",
                           did_you_mean(path.filename().string(), json_files_in(path.parent_path()))));
  }
  const std::vector<std::string> names = known_names(folders);
  std::vector<std::string> looked;
  for (const fs::path& folder : folders) looked.push_back(folder.string());
  throw ConfigError(text("there is no experiment or study '", what, "'", did_you_mean(path.stem().string(), names),
                         "; known names: ", names.empty() ? "none" : join(names), "; looked in: the current folder",
                         looked.empty() ? "" : ", " + join(looked), ". A path to a .json file works too"));
}

}  // namespace lamina::engine
