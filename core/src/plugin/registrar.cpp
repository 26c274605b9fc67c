// Collects what one plugin registers.
#include <lamina/base/text.hpp>
#include <lamina/plugin/registrar.hpp>

#include <algorithm>

namespace lamina {

Registrar::Registrar(std::string plugin, std::string file) : plugin_(std::move(plugin)), file_(std::move(file)) {}

std::vector<ComponentEntry> Registrar::take() { return std::move(entries_); }

void Registrar::add_entry(ComponentEntry entry) {
  const auto same = [&](const ComponentEntry& other) {
    return other.info.kind == entry.info.kind && other.info.name == entry.info.name;
  };
  if (std::any_of(entries_.begin(), entries_.end(), same)) {
    throw PluginError(text("the ", entry.info.kind, " '", entry.info.name, "' is registered twice"));
  }
  entries_.push_back(std::move(entry));
}

}  // namespace lamina
