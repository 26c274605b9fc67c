// lamina plugin new: writes a plugin that compiles outside of lamina's tree, from the templates that lie with lamina.
#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>
#include <lamina/plugin/stamp.hpp>

#include "verbs.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

/// share/lamina/plugin-template beside the program's folder, in a build tree and in an installation alike.
fs::path template_folder() {
  std::error_code error;
  const fs::path program = fs::canonical("/proc/self/exe", error);
  const fs::path folder = program.parent_path().parent_path() / "share" / "lamina" / "plugin-template";
  if (error || !fs::is_directory(folder))
    throw StorageError(text(folder.string(), ": the templates are not there; install lamina again"));
  return folder;
}

std::vector<std::string> known_kinds(const fs::path& templates) {
  std::set<std::string> kinds;
  for (const auto& item : fs::directory_iterator(templates)) {
    if (item.is_directory()) kinds.insert(item.path().filename().string());
  }
  return {kinds.begin(), kinds.end()};
}

void require_name(const std::string& name) {
  static const std::set<std::string> kTaken{"lamina", "torch", "at",        "std", "class",    "double",
                                            "float",  "int",   "namespace", "new", "template", "struct"};
  const auto fits = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
  };
  const bool good = !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
                    std::all_of(name.begin(), name.end(), fits) && name.find("__") == std::string::npos &&
                    name.back() != '_';
  if (!good)
    throw ConfigError(
        text("'", name, "' is no name for a component; expected small letters, digits and single _, like edge_gain"));
  if (kTaken.contains(name)) throw ConfigError(text("'", name, "' is a word of C++ or a library; take another name"));
}

/// edge_gain -> EdgeGain
std::string camel_case(const std::string& name) {
  std::string word;
  for (const auto& part : split(name, '_')) word += static_cast<char>(std::toupper(part.front())) + part.substr(1);
  return word;
}

std::string filled(std::string content, const std::map<std::string, std::string>& values) {
  for (const auto& [from, to] : values) {
    for (size_t at = content.find(from); at != std::string::npos; at = content.find(from, at + to.size()))
      content.replace(at, from.size(), to);
  }
  return content;
}

/// lamina 0.1.3 -> 0.1: plugins fit every patch release.
std::string minor_version() {
  const auto numbers = split(LAMINA_VERSION, '.');
  return numbers.at(0) + "." + numbers.at(1);
}

std::vector<fs::path> write_plugin(const fs::path& templates, const std::string& kind, const std::string& name,
                                   const fs::path& folder) {
  const std::map<std::string, std::string> values{{"my_component", name},
                                                  {"MyComponent", camel_case(name)},
                                                  {"@kind@", kind},
                                                  {"@name@", name},
                                                  {"@version@", minor_version()}};
  std::vector<fs::path> sources{templates / "CMakeLists.txt.in", templates / "README.md.in"}, written;
  for (const auto& item : fs::directory_iterator(templates / kind)) sources.push_back(item.path());
  make_folder(folder);
  for (const auto& source : sources) {
    std::string file = filled(source.filename().string(), values);
    if (file.ends_with(".in")) file.resize(file.size() - 3);
    write_file(folder / file, filled(read_file(source), values));
    written.push_back(folder / file);
  }
  std::sort(written.begin(), written.end());
  return written;
}

int run(const po::variables_map& arguments) {
  const std::string kind = arguments["kind"].as<std::string>(), name = arguments["name"].as<std::string>();
  const fs::path templates = template_folder();
  const auto kinds = known_kinds(templates);
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    throw ConfigError(text("there is no template for the kind '", kind, "'", did_you_mean(kind, kinds),
                           "; kinds with one: ", join(kinds)));
  }
  require_name(name);
  const fs::path folder =
      arguments.contains("output") ? fs::path(arguments["output"].as<std::string>()) : fs::path(kind + "_" + name);
  if (fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw ConfigError(text(folder.string(), ": is there already and not empty; remove it or give another --output"));
  }
  for (const auto& file : write_plugin(templates, kind, name, folder)) std::cout << file.string() << "\n";
  const fs::path prefix = templates.parent_path().parent_path().parent_path();
  std::cerr << "build it with:\n  cmake -S " << folder.string() << " -B " << (folder / "build").string()
            << " -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=" << prefix.string() << " && cmake --build "
            << (folder / "build").string() << "\n";
  return 0;
}

}  // namespace

Verb plugin_new_verb() {
  return {"plugin new",
          "writes a plugin of your own that compiles as it is",
          "lamina plugin new KIND NAME [--output DIR]",
          "lamina plugin new adapter gain",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("kind", po::value<std::string>()->required(), "adapter, decoder, loss, metric or transform");
            add("name", po::value<std::string>()->required(), "its name in experiments: small letters, digits, _");
            add("output", po::value<std::string>()->value_name("DIR"), "folder to write; default: KIND_NAME");
            positional.add("kind", 1).add("name", 1);
          },
          run};
}

}  // namespace lamina::cli
