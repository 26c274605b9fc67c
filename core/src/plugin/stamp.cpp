// Reads the stamp out of a plugin's bytes, without opening it as a library.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>
#include <lamina/plugin/stamp.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <string_view>

namespace lamina {
namespace {

constexpr size_t kChunk = 1 << 18;
constexpr size_t kLongest = 1 << 16;  // a stamp without an end within so many bytes is damaged
const std::string kBegin = LAMINA_STAMP_MAGIC "\napi=";
const std::string kEnd = "\nend=" LAMINA_STAMP_MAGIC "\n";

/// The bytes from the stamp's first letter on, at most kLongest; empty where there is no stamp.
std::string find_stamp(std::ifstream& in) {
  std::string window;
  std::string chunk(kChunk, '\0');
  while (in) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    window.append(chunk, 0, static_cast<size_t>(in.gcount()));
    const size_t found = window.find(kBegin);
    if (found == std::string::npos) {
      // The magic may lie across two chunks.
      if (window.size() > kBegin.size()) window.erase(0, window.size() - kBegin.size());
      continue;
    }
    window.erase(0, found);
    if (window.size() < kLongest && in) {
      in.read(chunk.data(), static_cast<std::streamsize>(kLongest - window.size()));
      window.append(chunk, 0, static_cast<size_t>(in.gcount()));
    }
    if (window.size() > kLongest) window.resize(kLongest);
    return window;
  }
  return "";
}

[[noreturn]] void damaged(const std::string& file, const std::string& how) {
  throw PluginError(text(file, ": its stamp is damaged: ", how, "; build the plugin again"));
}

bool is_name(std::string_view word) {
  const auto fits = [](unsigned char letter) { return std::isalnum(letter) || letter == '_'; };
  return !word.empty() && word.size() <= 128 && std::all_of(word.begin(), word.end(), fits);
}

bool is_readable(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](unsigned char letter) { return letter >= 0x20 || letter == '\t'; });
}

ComponentInfo read_component(const std::string& value, const std::string& file) {
  const auto fields = split(value, '\t');
  if (fields.size() != 4) damaged(file, text("a component has ", fields.size(), " fields instead of 4"));
  if (!is_name(fields[0]) || !is_name(fields[1])) damaged(file, "a component has no proper name");
  return {fields[0], fields[1], fields[2], fields[3], "", file};
}

void take_line(Stamp& stamp, const std::string& line, const std::string& file) {
  const size_t equals = line.find('=');
  if (equals == std::string::npos || equals == 0 || !is_readable(line)) damaged(file, "a line is no key=value");
  const std::string key = line.substr(0, equals), value = line.substr(equals + 1);
  if (key == "component") {
    stamp.components.push_back(read_component(value, file));
  } else if (key == "plugin") {
    stamp.plugin = value;
  } else if (key == "version") {
    stamp.version = value;
  } else if (key == "license") {
    stamp.license = value;
  } else if (!stamp.build.emplace(key, value).second) {
    damaged(file, text("'", key.substr(0, 40), "' is said twice"));
  }
}

void check_names(Stamp& stamp, const std::string& file) {
  if (!is_name(stamp.plugin)) damaged(file, "it does not name the plugin");
  if (stamp.components.empty()) damaged(file, "it offers no component");
  std::set<std::pair<std::string, std::string>> seen;
  for (auto& component : stamp.components) {
    component.plugin = stamp.plugin;
    if (!seen.insert({component.kind, component.name}).second) {
      damaged(file, text("it offers the ", component.kind, " '", component.name, "' twice"));
    }
  }
}

Stamp parse_lines(std::string_view body, const std::string& file) {
  Stamp stamp;
  for (const auto& line : split(body, '\n')) take_line(stamp, line, file);
  check_names(stamp, file);
  return stamp;
}

}  // namespace

std::optional<Stamp> read_stamp(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw PluginError(text(file, ": cannot be read: ", std::strerror(errno)));
  const std::string bytes = find_stamp(in);
  if (bytes.empty()) return {};
  const size_t end = bytes.find(kEnd);
  if (end == std::string::npos) damaged(file, text("it does not end within ", human_bytes(kLongest)));
  const size_t first = std::strlen(LAMINA_STAMP_MAGIC "\n");
  return parse_lines(std::string_view(bytes).substr(first, end - first), file);
}

const std::map<std::string, std::string>& program_build() {
  static const auto* build = [] {
    auto* lines = new std::map<std::string, std::string>;
    for (const auto& line : split(LAMINA_STAMP_BUILD, '\n')) {
      const size_t equals = line.find('=');
      if (equals != std::string::npos) lines->emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    return lines;
  }();
  return *build;
}

}  // namespace lamina
