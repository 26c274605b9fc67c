// What a plugin registers into. All of a plugin is taken or none of it.
#pragma once

#include <lamina/base/error.hpp>
#include <lamina/base/export.hpp>
#include <lamina/options/binder.hpp>
#include <lamina/plugin/stamp.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace lamina {

/// A component, its type erased. The registry's templates put the type back.
struct ComponentEntry {
  ComponentInfo info;
  std::function<void(const ConfigNode& entry, const std::string& where, const ComponentChecker&, OptionErrors&)> check;
  std::function<ConfigNode(const ConfigNode& entry, const ComponentChecker&)> resolve;  // defaults filled in
  std::function<std::vector<OptionDoc>()> describe;
  /// `context` points to the interface's Context; the result to its Interface.
  std::function<std::shared_ptr<void>(const ConfigNode& entry, const std::string& where, const ComponentChecker&, const void* context)> create;
};

/// Every interface (Backbone, Adapter, ...) has `kKind`, `Context` and is the type that create() returns. A component
/// derives from it, has a nested type `Options` with bind(), and the constructor (const Options&, const Context&).
class LAMINA_API Registrar {
 public:
  Registrar(std::string plugin, std::string file);

  template <class Component>
  void add(const std::string& kind, const std::string& name, const std::string& version, const std::string& summary);

  std::vector<ComponentEntry> take();

 private:
  void add_entry(ComponentEntry entry);

  std::string plugin_, file_;
  std::vector<ComponentEntry> entries_;
};

template <class Component>
void Registrar::add(const std::string& kind, const std::string& name, const std::string& version, const std::string& summary) {
  using Interface = typename Component::Interface;
  using Context = typename Interface::Context;
  using Options = typename Component::Options;
  static_assert(std::is_base_of_v<Interface, Component>, "a component must derive from the interface of its kind");
  static_assert(std::is_constructible_v<Component, const Options&, const Context&>,
                "a component needs the constructor Component(const Options&, const Context&)");
  if (kind != Interface::kKind) throw Error("component '" + name + "' is listed as " + kind + " but is a " + Interface::kKind);
  static const std::vector<std::string> foreign(kEntryKeys.begin(), kEntryKeys.end());
  ComponentEntry entry;
  entry.info = {kind, name, version, summary, plugin_, file_};
  entry.check = [](const ConfigNode& node, const std::string& where, const ComponentChecker& checker, OptionErrors& errors) {
    Options options;
    parse_options(options, node, where, errors, &checker, foreign);
  };
  entry.resolve = [](const ConfigNode& node, const ComponentChecker& checker) {
    Options options;
    OptionErrors errors;
    parse_options(options, node, "", errors, &checker, foreign);
    ConfigNode full = dump_options(options, &checker);
    for (const auto& key : foreign) {
      if (node.is_object() && node.contains(key)) full.set(key, node.at(key));
    }
    return full;
  };
  entry.describe = [] { return describe_options<Options>(); };
  entry.create = [](const ConfigNode& node, const std::string& where, const ComponentChecker& checker,
                    const void* context) -> std::shared_ptr<void> {
    Options options;
    OptionErrors errors;
    parse_options(options, node, where, errors, &checker, foreign);
    errors.throw_if_any("wrong options");
    std::shared_ptr<Interface> made = std::make_shared<Component>(options, *static_cast<const Context*>(context));
    return made;
  };
  add_entry(std::move(entry));
}

}  // namespace lamina
