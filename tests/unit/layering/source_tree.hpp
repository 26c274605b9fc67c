// The repository's sources and what each includes.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace lamina::layering {

namespace fs = std::filesystem;

struct Include {
  std::string file;    ///< path in the repository, "core/src/base/log.cpp"
  std::string target;  ///< as written between <> or ""
  int line = 0;
};

inline std::vector<Include> includes_of(const fs::path& root, const fs::path& file) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> found;
  std::ifstream in(file);
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    std::smatch match;
    if (std::regex_search(text, match, kInclude)) found.push_back({fs::relative(file, root).string(), match[1], line});
  }
  return found;
}

/// Every include of every .hpp and .cpp below the folders.
inline std::vector<Include> all_includes(const fs::path& root, const std::vector<std::string>& folders) {
  std::vector<fs::path> files;
  for (const auto& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& item : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = item.path().extension();
      if (extension == ".hpp" || extension == ".cpp") files.push_back(item.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Include> all;
  for (const auto& file : files) {
    const auto some = includes_of(root, file);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace lamina::layering
