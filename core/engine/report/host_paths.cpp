// Finds absolute paths in text.
#include "engine/report/host_paths.hpp"

#include <cctype>

namespace lamina::engine {
namespace {

bool starts_path(const std::string& words, size_t at) {
  if (words[at] != '/' || at + 1 == words.size()) return false;
  const auto next = static_cast<unsigned char>(words[at + 1]);
  const bool after_break = at == 0 || std::string(" \t\n\"'`(=:[,").find(words[at - 1]) != std::string::npos;
  return after_break && (std::isalnum(next) || next == '_' || next == '.');
}

size_t end_of_path(const std::string& words, size_t at) {
  const char before = at > 0 ? words[at - 1] : ' ';
  const bool quoted = before == '"' || before == '\'' || before == '`';
  const size_t end = quoted ? words.find(before, at) : words.find_first_of(" \t\n\"'`,;:()[]", at);
  return end == std::string::npos ? words.size() : end;
}

}  // namespace

std::string without_folders(const std::string& words) {
  std::string kept;
  for (size_t i = 0; i < words.size();) {
    if (!starts_path(words, i)) {
      kept += words[i++];
      continue;
    }
    const size_t end = end_of_path(words, i);
    std::string path = words.substr(i, end - i);
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    const size_t last = path.rfind('/');
    kept += last == 0 ? path : "..." + path.substr(last);
    i = end;
  }
  return kept;
}

}  // namespace lamina::engine
