// The types an option may have: their names in OptionDoc, and their way from and to a node.
#pragma once

#include <lamina/options/binder.hpp>

#include <string>

namespace lamina {

/// Fills in what the slot tells: type, optional, length.
void describe_slot(OptionDoc& doc, const OptionSlot& slot);
/// The slot's value as a node.
ConfigNode slot_value(const OptionSlot& slot);
/// Puts `node` into the slot, or reports why not and leaves it alone. Components are not looked into here.
void read_slot(const OptionDoc& doc, const OptionSlot& slot, const ConfigNode& node, const std::string& path,
               OptionErrors& errors);

}  // namespace lamina
