// The stamp: one constant string in every plugin that says what it was built for and what it offers. It is read from
// the file before the file is opened, so a foreign plugin is refused in words and `lamina list` opens nothing.
#pragma once

#include <lamina/base/export.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

/// The plugin interface's number. docs/interface-history.md says what each step changed.
#define LAMINA_PLUGIN_API 1

#define LAMINA_STAMP_MAGIC "lamina-plugin-stamp-v1"
#define LAMINA_DETAIL_TEXT2(x) #x
#define LAMINA_DETAIL_TEXT(x) LAMINA_DETAIL_TEXT2(x)

/// What must be equal between a plugin and the program, one `key=value` line each. Expands names of
/// lamina/base/version.hpp, which only those files include that use it: its hash changes with every public header.
#define LAMINA_STAMP_BUILD                                                                            \
  "api=" LAMINA_DETAIL_TEXT(LAMINA_PLUGIN_API) "\n"                                                   \
  "torch=" LAMINA_TORCH_VERSION "\n"                                                                  \
  "flavour=" LAMINA_TORCH_FLAVOUR "\n"                                                                \
  "cxx11_abi=" LAMINA_DETAIL_TEXT(_GLIBCXX_USE_CXX11_ABI) "\n"                                        \
  "cxxabi=" LAMINA_DETAIL_TEXT(__GXX_ABI_VERSION) "\n"                                                \
  "compiler=gcc " LAMINA_DETAIL_TEXT(__GNUC__) "\n"                                                   \
  "sanitizer=" LAMINA_SANITIZER "\n"                                                                  \
  "headers=" LAMINA_HEADER_HASH "\n"

namespace lamina {

struct ComponentInfo {
  std::string kind, name, version, summary;
  std::string plugin, file;  // who offers it; empty for what the engine itself registers
};

struct Stamp {
  std::map<std::string, std::string> build;  // api, torch, flavour, cxx11_abi, cxxabi, compiler, sanitizer, headers
  std::string plugin, version, license;
  std::vector<ComponentInfo> components;
};

/// The stamp of a file, read without opening it as a library; none where the file has none. Throws PluginError when
/// the file cannot be read or its stamp is damaged.
LAMINA_API std::optional<Stamp> read_stamp(const std::string& file);

/// What this program was built for, in the stamp's words.
LAMINA_API const std::map<std::string, std::string>& program_build();

}  // namespace lamina
