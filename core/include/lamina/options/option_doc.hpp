// What is known of an option: the one source of help, docs tables, JSON Schema and checks.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/options/config_node.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

enum class OptionType { Bool, Integer, Number, Text, IntegerList, NumberList, TextList, IntegerTable, Group, Component, ComponentList, Any };

struct OptionDoc {
  std::string name, help;
  OptionType type = OptionType::Any;
  ConfigNode default_value;                // null: none
  bool required = false;                   // must be given
  bool optional = false;                   // null is a value
  std::optional<double> minimum, maximum;  // of each number
  bool odd = false;                        // each number must be odd
  std::optional<size_t> length;            // of a list, where fixed
  std::vector<std::string> choices;        // of each text
  std::string component_kind;              // Component, ComponentList
  std::vector<OptionDoc> members;          // Group
};

/// "integer >= 1", "one of serial, parallel", ...: the expectation in words.
LAMINA_API std::string expectation(const OptionDoc& doc);
/// A Markdown table (option, type, default, meaning) as docs/components pages hold it.
LAMINA_API std::string markdown_table(const std::vector<OptionDoc>& docs);
/// JSON Schema (draft 7) of an object with these options.
LAMINA_API ConfigNode json_schema(const std::vector<OptionDoc>& docs);

}  // namespace lamina
