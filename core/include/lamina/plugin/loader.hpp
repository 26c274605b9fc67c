// Finds plugins, refuses foreign ones in words, opens those that are needed. Nothing is ever closed.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/plugin/registry.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

/// One file that was looked at.
struct PluginFile {
  std::filesystem::path file;
  std::optional<Stamp> stamp;  // none: no stamp, or damaged
  std::string refusal;         // empty: usable
};

/// The folders in order: `extra` (--plugin-path, experiment), $LAMINA_PLUGIN_PATH (colon separated), the installation's
/// own folder lib/lamina/plugins, found relative to lamina's library. Never the current folder.
LAMINA_API std::vector<std::filesystem::path> plugin_folders(const std::vector<std::filesystem::path>& extra = {});

/// Reads the stamps of all `lamina_*.so` in the folders; opens nothing.
LAMINA_API std::vector<PluginFile> scan_plugins(const std::vector<std::filesystem::path>& folders);

/// "" when the stamp fits this program, else a sentence with both sides and the remedy.
LAMINA_API std::string refusal_of(const std::filesystem::path& file, const Stamp& stamp);

/// Opens one plugin and registers all of it. PluginError: file, reason, remedy.
LAMINA_API void load_plugin(const std::filesystem::path& file, Registry& registry);

/// Scans and promises: a plugin is opened the first time one of its components is asked for. Two files that offer the
/// same component are an error that names both when that component is asked for.
LAMINA_API std::vector<PluginFile> discover_plugins(Registry& registry, const std::vector<std::filesystem::path>& extra = {});

}  // namespace lamina
