// Components by kind and name; plugins are opened when one of their components is first asked for.
#include <lamina/base/text.hpp>
#include <lamina/plugin/registry.hpp>

#include "options/component_entry.hpp"

#include <algorithm>

namespace lamina {
namespace {

std::string origin_of(const ComponentInfo& info) { return info.file.empty() ? "lamina itself" : info.file; }

std::string offered_twice(const ComponentInfo& info, const std::string& first, const std::string& second) {
  return text("the ", info.kind, " '", info.name, "' is offered by ", first, " and by ", second,
              "; remove one of the two files or rename the component");
}

/// torch appends a stack trace to its messages; the first lines say what happened.
std::string without_trace(const std::string& message) {
  return message.substr(0, message.find("\nException raised from"));
}

[[noreturn]] void rethrow_named(const ComponentInfo& info, const std::string& where) {
  const std::string name =
      text(where.empty() ? "" : where + ": ", "the ", info.kind, " '", info.name, "' (", origin_of(info), ")");
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& problem) {
    throw Error(text(name, " could not be made: ", without_trace(problem.what())));
  } catch (...) {
    throw Error(text(name, " could not be made: it threw something that is no exception"));
  }
}

}  // namespace

Registry::~Registry() = default;

void Registry::add(std::vector<ComponentEntry> entries) {
  for (const auto& entry : entries) {
    const Key key{entry.info.kind, entry.info.name};
    if (conflicts_.contains(key)) continue;  // said when it is asked for
    const auto known = entries_.find(key);
    const auto promised = promises_.find(key);
    const ComponentInfo* other = known != entries_.end() ? &known->second.info : nullptr;
    if (!other && promised != promises_.end() && promised->second.info.file != entry.info.file)
      other = &promised->second.info;
    if (other) throw PluginError(offered_twice(entry.info, origin_of(*other), origin_of(entry.info)));
  }
  for (auto& entry : entries) {
    const Key key{entry.info.kind, entry.info.name};
    promises_.erase(key);
    entries_.emplace(key, std::move(entry));
  }
}

void Registry::promise(const std::vector<ComponentInfo>& components,
                       std::function<void(const std::string& file)> load) {
  for (const auto& info : components) {
    const Key key{info.kind, info.name};
    const auto known = entries_.find(key);
    if (known != entries_.end()) {
      if (known->second.info.file != info.file)
        conflicts_[key] = offered_twice(info, origin_of(known->second.info), origin_of(info));
      continue;
    }
    const auto [place, fresh] = promises_.emplace(key, Promise{info, load});
    if (!fresh && place->second.info.file != info.file) {
      conflicts_[key] = offered_twice(info, origin_of(place->second.info), origin_of(info));
    }
  }
}

void Registry::refuse(const std::vector<ComponentInfo>& components, const std::string& reason) {
  for (const auto& info : components) refused_[{info.kind, info.name}] = reason;
}

std::vector<ComponentInfo> Registry::list(const std::string& kind) const {
  std::map<Key, ComponentInfo> all;
  for (const auto& [key, entry] : entries_) all.emplace(key, entry.info);
  for (const auto& [key, promise] : promises_) all.emplace(key, promise.info);
  std::vector<ComponentInfo> components;
  for (const auto& [key, info] : all) {
    if (kind.empty() || key.first == kind) components.push_back(info);
  }
  return components;
}

bool Registry::knows(const std::string& kind, const std::string& name) const {
  const Key key{kind, name};
  return entries_.contains(key) || promises_.contains(key);
}

const ComponentEntry* Registry::loaded(const Key& key) const {
  if (const auto conflict = conflicts_.find(key); conflict != conflicts_.end()) throw PluginError(conflict->second);
  if (const auto entry = entries_.find(key); entry != entries_.end()) return &entry->second;
  const auto promised = promises_.find(key);
  if (promised == promises_.end()) return nullptr;
  const Promise promise = promised->second;  // a copy: loading changes the map
  promise.load(promise.info.file);
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) {
    throw PluginError(text(promise.info.file, ": its stamp offers the ", key.first, " '", key.second,
                           "', but loading it did not register one"));
  }
  return &entry->second;
}

std::string Registry::unknown(const Key& key) const {
  const auto& [kind, name] = key;
  if (const auto refused = refused_.find(key); refused != refused_.end()) {
    return text("the ", kind, " '", name, "' comes from a plugin that cannot be used: ", refused->second);
  }
  std::vector<std::string> names, kinds;
  for (const auto& info : list()) {
    if (info.kind == kind) names.push_back(info.name);
    if (info.name == name) kinds.push_back(info.kind);
  }
  const std::string elsewhere = kinds.empty() ? "" : text("; there is a ", join(kinds, " and a "), " of that name");
  if (names.empty()) {
    return text("unknown ", kind, " '", name, "'; no plugin offers any ", kind, elsewhere,
                " (lamina list --plugins shows what was found)");
  }
  return text("unknown ", kind, " '", name, "'", did_you_mean(name, names), elsewhere, "; known: ", join(names));
}

const ComponentEntry& Registry::find(const std::string& kind, const std::string& name, const std::string& where) const {
  const Key key{kind, name};
  if (const ComponentEntry* entry = loaded(key)) return *entry;
  throw ConfigError((where.empty() ? "" : where + ": ") + unknown(key));
}

void Registry::check(const std::string& kind, const ConfigNode& entry, const std::string& where,
                     OptionErrors& errors) const {
  const std::string problem = entry_problem(entry, kind);
  if (!problem.empty()) return errors.add(where, problem);
  const ConfigNode node = as_entry(entry);
  const Key key{kind, node.text_or("type", "")};
  try {
    const ComponentEntry* known = loaded(key);
    if (!known) return errors.add(where, unknown(key));
    known->check(node, where, *this, errors);
  } catch (const PluginError& refusal) {
    errors.add(where, refusal.what());
  }
}

ConfigNode Registry::resolve(const std::string& kind, const ConfigNode& entry) const {
  const std::string problem = entry_problem(entry, kind);
  if (!problem.empty()) throw ConfigError(problem);
  const ConfigNode node = as_entry(entry);
  return find(kind, node.text_or("type", ""), "").resolve(node, *this);
}

std::shared_ptr<void> Registry::create_erased(const std::string& kind, const ConfigNode& entry,
                                              const std::string& where, const void* context) const {
  const std::string problem = entry_problem(entry, kind);
  if (!problem.empty()) throw ConfigError((where.empty() ? "" : where + ": ") + problem);
  const ConfigNode node = as_entry(entry);
  const ComponentEntry& component = find(kind, node.text_or("type", ""), where);
  try {
    return component.create(node, where, *this, context);
  } catch (...) {
    rethrow_named(component.info, where);
  }
}

ConfigNode as_entry(const ConfigNode& entry) { return entry_object(entry); }

}  // namespace lamina
