// Finds plugins, refuses foreign ones in words, opens those that are needed.
#define BOOST_DLL_USE_STD_FS
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/plugin/descriptor.hpp>
#include <lamina/plugin/loader.hpp>

#include <boost/dll/shared_library.hpp>

#include "plugin/elf.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <set>

#include <dlfcn.h>

namespace lamina {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& reason) {
  throw PluginError(text(file.string(), ": ", reason));
}

/// lib/lamina/plugins beside liblamina_base.so, in a build tree and in an installation alike.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || !info.dli_fname) return {};
  std::error_code error;
  const fs::path library = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : library.parent_path() / "lamina" / "plugins";
}

/// What a key of the stamp says, in a reader's words.
std::string difference(const std::string& key, const std::string& theirs, const std::string& ours) {
  const auto both = [&](const char* what) {
    return text("was built with ", what, " ", theirs, ", this lamina with ", ours);
  };
  if (key == "api") return text("was built for plugin interface ", theirs, ", this lamina has interface ", ours);
  if (key == "torch") return both("torch");
  if (key == "flavour") return both("the torch flavour");
  if (key == "compiler") return both("the compiler");
  if (key == "cxx11_abi") return both("_GLIBCXX_USE_CXX11_ABI");
  if (key == "cxxabi") return both("the C++ ABI version");
  if (key == "sanitizer") return both("the sanitizer");
  if (key == "headers") return both("other headers of lamina: hash");
  return text("has the build mark ", key, "=", theirs, ", this lamina has '", ours, "'");
}

std::string value_of(const std::map<std::string, std::string>& build, const std::string& key) {
  const auto found = build.find(key);
  return found == build.end() ? "(not stated)" : found->second;
}

/// Why a file without a stamp is no plugin.
std::string stampless(const fs::path& file) {
  const std::string problem = library_problem(file);
  if (!problem.empty()) return problem;
  return "has no stamp, so it is no plugin of lamina; a plugin is made with LAMINA_PLUGIN (docs/writing-a-plugin.md)";
}

/// Components a file seems to offer by its name, lamina_<kind>_<name>.so, where no stamp says so.
std::vector<ComponentInfo> guessed_components(const fs::path& file) {
  const std::string stem = file.stem().string().substr(std::string("lamina_").size());
  const size_t gap = stem.find('_');
  if (gap == std::string::npos) return {};
  return {{stem.substr(0, gap), stem.substr(gap + 1), "", "", "", file.string()}};
}

/// Opened libraries stay open until the program ends: their code may be referenced from anywhere.
const boost::dll::shared_library& open_forever(const fs::path& file) {
  static auto* libraries = new std::map<std::string, boost::dll::shared_library>;
  static auto* mutex = new std::mutex;
  const std::lock_guard hold(*mutex);
  const auto known = libraries->find(file.string());
  if (known != libraries->end()) return known->second;
  if (const std::string problem = library_problem(file); !problem.empty()) refuse(file, problem);
  namespace mode = boost::dll::load_mode;
  try {
    boost::dll::shared_library library(file, mode::rtld_now | mode::rtld_local);
    return libraries->emplace(file.string(), std::move(library)).first->second;
  } catch (const std::exception& problem) {
    const std::string words = problem.what();
    const bool symbol = words.find("undefined symbol") != std::string::npos;
    refuse(file, text("cannot be opened: ", words,
                      symbol ? "; a symbol that it needs is in none of its libraries: link what it uses, or build it "
                               "again against this lamina"
                             : ""));
  }
}

const LaminaPluginDescriptor& descriptor_of(const fs::path& file, const Stamp& stamp) {
  const auto& library = open_forever(file);
  const std::string symbol = "lamina_plugin_" + stamp.plugin;
  if (!library.has(symbol)) {
    refuse(file,
           text("has a stamp but no descriptor '", symbol, "'; LAMINA_PLUGIN makes both, build the plugin again"));
  }
  const auto& descriptor = library.get<const LaminaPluginDescriptor>(symbol);
  if (descriptor.size != sizeof(LaminaPluginDescriptor)) {
    refuse(file, text("its descriptor has ", descriptor.size, " bytes, this lamina expects ",
                      sizeof(LaminaPluginDescriptor), "; build the plugin again against this lamina"));
  }
  if (!descriptor.name || stamp.plugin != descriptor.name || !descriptor.register_components) {
    refuse(file, "its descriptor does not belong to its stamp; build the plugin again");
  }
  return descriptor;
}

std::vector<ComponentEntry> registered_by(const LaminaPluginDescriptor& descriptor, const fs::path& file) {
  Registrar registrar(descriptor.name, file.string());
  try {
    descriptor.register_components(registrar);
  } catch (const std::exception& problem) {
    refuse(file, text("failed while registering its components: ", problem.what()));
  } catch (...) {
    refuse(file, "failed while registering its components: it threw something that is no exception");
  }
  return registrar.take();
}

std::set<std::string> words_of(const ComponentInfo& info) {
  return {text(info.kind, " ", info.name, " ", info.version)};
}

/// What is in the stamp was shown to the user and checked before opening: the plugin must register exactly that.
void compare(const Stamp& stamp, const std::vector<ComponentEntry>& entries, const fs::path& file) {
  std::set<std::string> promised, registered;
  for (const auto& info : stamp.components) promised.merge(words_of(info));
  for (const auto& entry : entries) registered.merge(words_of(entry.info));
  if (promised == registered) return;
  refuse(file, text("its stamp offers ", join(promised), ", but it registers ",
                    registered.empty() ? "nothing" : join(registered), "; list components only in LAMINA_PLUGIN"));
}

}  // namespace

std::vector<fs::path> plugin_folders(const std::vector<fs::path>& extra) {
  std::vector<fs::path> wanted;
  for (const auto& folder : extra) {
    if (!fs::is_directory(folder))
      throw PluginError(text("plugin folder ", folder.string(), ": there is no such folder"));
    wanted.push_back(folder);
  }
  const char* listed = std::getenv("LAMINA_PLUGIN_PATH");
  for (const auto& folder : split(listed ? listed : "", ':')) {
    if (!folder.empty()) wanted.emplace_back(folder);
  }
  wanted.push_back(own_folder());
  std::vector<fs::path> folders;
  for (const auto& folder : wanted) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error || std::find(folders.begin(), folders.end(), real) != folders.end()) continue;
    folders.push_back(real);
  }
  return folders;
}

std::vector<PluginFile> scan_plugins(const std::vector<fs::path>& folders) {
  std::vector<PluginFile> files;
  for (const auto& folder : folders) {
    std::vector<fs::path> names;
    std::error_code error;
    for (const auto& item : fs::directory_iterator(folder, error)) {
      const std::string name = item.path().filename().string();
      if (name.starts_with("lamina_") && name.ends_with(".so") && !item.is_directory(error))
        names.push_back(item.path());
    }
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      PluginFile file{name, {}, ""};
      try {
        file.stamp = read_stamp(name.string());
        file.refusal = file.stamp ? refusal_of(name, *file.stamp) : text(name.string(), ": ", stampless(name));
      } catch (const PluginError& problem) {
        file.refusal = problem.what();
      }
      files.push_back(std::move(file));
    }
  }
  return files;
}

std::string refusal_of(const fs::path& file, const Stamp& stamp) {
  static const std::vector<std::string> kOrder{"api",       "torch",  "flavour",   "compiler",
                                               "cxx11_abi", "cxxabi", "sanitizer", "headers"};
  const auto& ours = program_build();
  std::vector<std::string> keys = kOrder;
  for (const auto& [key, value] : stamp.build) {
    if (!ours.contains(key)) keys.push_back(key);
  }
  for (const auto& key : keys) {
    const std::string theirs = value_of(stamp.build, key), own = value_of(ours, key);
    if (theirs == own) continue;
    return text(file.string(), ": ", difference(key, theirs, own), "; build the plugin again against this lamina");
  }
  return "";
}

void load_plugin(const fs::path& file, Registry& registry) {
  const auto stamp = read_stamp(file.string());
  if (!stamp) refuse(file, stampless(file));
  const std::string refusal = refusal_of(file, *stamp);
  if (!refusal.empty()) throw PluginError(refusal);
  auto entries = registered_by(descriptor_of(file, *stamp), file);
  compare(*stamp, entries, file);
  registry.add(std::move(entries));
}

std::vector<PluginFile> discover_plugins(Registry& registry, const std::vector<fs::path>& extra) {
  auto files = scan_plugins(plugin_folders(extra));
  for (const auto& file : files) {
    if (file.refusal.empty()) {
      registry.promise(file.stamp->components, [&registry](const std::string& name) { load_plugin(name, registry); });
    } else {
      registry.refuse(file.stamp ? file.stamp->components : guessed_components(file.file), file.refusal);
    }
  }
  return files;
}

}  // namespace lamina
