// The light verbs, and the door to the heavy ones.
#define BOOST_DLL_USE_STD_FS
#include "verbs.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/plugin/stamp.hpp>

#include <boost/dll/shared_library.hpp>

#include <filesystem>

#include <dlfcn.h>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

/// The library lies beside liblamina_base.so, in a build tree and in an installation alike.
fs::path verbs_library() {
  Dl_info info{};
  const bool found = dladdr(reinterpret_cast<const void*>(&program_build), &info) != 0 && info.dli_fname;
  return found ? fs::weakly_canonical(info.dli_fname).parent_path() / "liblamina_verbs.so"
               : fs::path("liblamina_verbs.so");
}

std::vector<Verb> open_heavy_verbs() {
  const fs::path file = verbs_library();
  if (!fs::exists(file))
    throw PluginError(
        text(file.string(), ": is missing, and with it every verb that needs torch; install lamina again"));
  namespace mode = boost::dll::load_mode;
  try {
    // Never closed: verbs and torch live in it until the program ends.
    static auto* library = new boost::dll::shared_library(file, mode::rtld_now | mode::rtld_local);
    return library->get<std::vector<Verb>()>("lamina_heavy_verbs")();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& problem) {
    throw PluginError(
        text(file.string(), ": cannot be opened: ", problem.what(), "; is torch where it was when lamina was built?"));
  }
}

}  // namespace

std::vector<Verb> light_verbs() { return {list_verb(), plugin_new_verb(), completion_verb()}; }

const std::vector<Verb>& heavy_verbs() {
  static const auto* verbs = new std::vector<Verb>(open_heavy_verbs());
  return *verbs;
}

std::vector<Verb> all_verbs() {
  std::vector<Verb> verbs = light_verbs();
  try {
    for (const auto& verb : heavy_verbs()) {
      if (!verb.summary.empty()) verbs.push_back(verb);  // without a summary: for lamina's own use
    }
  } catch (const PluginError& problem) {
    log_warning(problem.what());
  }
  return verbs;
}

}  // namespace lamina::cli
