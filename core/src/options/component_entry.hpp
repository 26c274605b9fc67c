// What an entry of a component looks like: "name", or {"type": "name", ...options}.
#pragma once

#include <lamina/options/config_node.hpp>

#include <string>

namespace lamina {

/// {"type": "name"} for the text "name"; the entry itself otherwise.
ConfigNode entry_object(const ConfigNode& entry);
/// "" when the entry has the right form, else what is wrong with it.
std::string entry_problem(const ConfigNode& entry, const std::string& kind);
/// where[id] for an entry with an id, else where[index].
std::string entry_path(const std::string& where, const ConfigNode& entry, size_t index);

}  // namespace lamina
