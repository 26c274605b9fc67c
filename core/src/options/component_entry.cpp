// Form of component entries, shared by the binder and the registry.
#include "options/component_entry.hpp"

#include <lamina/base/text.hpp>
#include <lamina/options/option_doc.hpp>

namespace lamina {

ConfigNode entry_object(const ConfigNode& entry) {
  if (!entry.is_string()) return entry;
  ConfigNode object = ConfigNode::object();
  object.set("type", entry);
  return object;
}

std::string entry_problem(const ConfigNode& entry, const std::string& kind) {
  OptionDoc doc;
  doc.type = OptionType::Component;
  doc.component_kind = kind;
  const std::string expected = text("expected ", expectation(doc));
  if (entry.is_string()) return "";
  if (!entry.is_object())
    return text(expected, ", got ", entry.is_null() ? "null" : entry.type_name() + " " + entry.dump());
  if (!entry.contains("type")) return text(expected, "; the key 'type' is missing");
  if (!entry.at("type").is_string()) return text("'type' must be text, got ", entry.at("type").dump());
  return entry.contains("id") && !entry.at("id").is_string() ? text("'id' must be text, got ", entry.at("id").dump())
                                                             : "";
}

std::string entry_path(const std::string& where, const ConfigNode& entry, size_t index) {
  const std::string id = entry.text_or("id", "");
  return text(where, "[", id.empty() ? std::to_string(index) : id, "]");
}

}  // namespace lamina
