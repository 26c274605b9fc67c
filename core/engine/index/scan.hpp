// What lies in a folder of runs, and whether it changed since it was looked at; no file is opened.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace lamina::engine {

/// Times of change, sizes and numbers of files: another text, another content. "-" for a file that is missing.
using Stamp = std::string;

struct StudyScan {
  Stamp plan;
  std::map<std::string, Stamp> runs;  // by folder
};

/// runs/<study>/<run>: folders with a status or an experiment, of studies by name. What cannot be looked into is left
/// out. ConfigError when `runs` is no folder.
std::map<std::string, StudyScan> scan_runs(const std::filesystem::path& runs);

}  // namespace lamina::engine
