// All components by kind and name. An object, not a singleton: tests make their own.
#pragma once

#include <lamina/base/error.hpp>
#include <lamina/base/export.hpp>
#include <lamina/plugin/registrar.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lamina {

class LAMINA_API Registry : public ComponentChecker {
 public:
  ~Registry() override;

  /// Takes all entries or, when a name is taken already, none: PluginError naming both files.
  void add(std::vector<ComponentEntry> entries);

  /// Makes components known by stamp alone; `load` is called the first time one of them is asked for and must add it.
  void promise(const std::vector<ComponentInfo>& components, std::function<void(const std::string& file)> load);
  /// Remembers why the plugin that offers these components cannot be used: said when one of them is asked for.
  void refuse(const std::vector<ComponentInfo>& components, const std::string& reason);

  /// Known components, sorted by kind and name; promised ones included.
  std::vector<ComponentInfo> list(const std::string& kind = "") const;
  bool knows(const std::string& kind, const std::string& name) const;

  /// The component, loading its plugin if need be. ConfigError with the nearest name and all known ones otherwise.
  const ComponentEntry& find(const std::string& kind, const std::string& name, const std::string& where) const;

  /// Reports an unknown type and wrong options of `entry` ({"type": ..., ...} or just "name").
  void check(const std::string& kind, const ConfigNode& entry, const std::string& where, OptionErrors& errors) const override;
  /// `entry` with every default filled in.
  ConfigNode resolve(const std::string& kind, const ConfigNode& entry) const override;

  /// Builds the component that `entry` names. Exceptions other than lamina::Error are wrapped with its name.
  template <class Interface>
  std::shared_ptr<Interface> create(const ConfigNode& entry, const std::string& where, const typename Interface::Context& context) const {
    return std::static_pointer_cast<Interface>(create_erased(Interface::kKind, entry, where, &context));
  }

 private:
  using Key = std::pair<std::string, std::string>;
  std::shared_ptr<void> create_erased(const std::string& kind, const ConfigNode& entry, const std::string& where, const void* context) const;
  const ComponentEntry* loaded(const Key& key) const;
  std::string unknown(const Key& key) const;

  mutable std::map<Key, ComponentEntry> entries_;
  struct Promise {
    ComponentInfo info;
    std::function<void(const std::string& file)> load;
  };
  mutable std::map<Key, Promise> promises_;
  std::map<Key, std::string> conflicts_;  // offered by two files: says which
  std::map<Key, std::string> refused_;    // offered by a plugin that cannot be used: says why
};

/// {"type": "name"} for the text "name"; the entry itself otherwise.
LAMINA_API ConfigNode as_entry(const ConfigNode& entry);

}  // namespace lamina
