// A configuration whose every value knows who set it: what files and overrides are merged on.
#pragma once

#include <lamina/options/config_node.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

struct Traced {
  enum class Form { Leaf, Object, List };
  Form form = Form::Leaf;
  ConfigNode leaf;                        // null, true/false, a number or a text
  std::map<std::string, Traced> members;  // of an object
  std::vector<Traced> items;              // of a list
  std::string origin;                     // file or override

  static Traced from(const ConfigNode& node, const std::string& origin);
  ConfigNode node() const;

  bool is_object() const { return form == Form::Object; }
  bool is_list() const { return form == Form::List; }
  bool is_text() const { return form == Form::Leaf && leaf.is_string(); }
  bool has(const std::string& key) const { return is_object() && members.count(key) > 0; }
  /// The text at `key`; "" where there is none.
  std::string text_at(const std::string& key) const;
  /// What names a list entry: its `id`, else its `type`, else the text itself; "" when nothing does.
  std::string entry_name() const;
  /// {"type": "adamw"} for the short form "adamw", so that options can be set on it.
  void expand_short_form();
};

/// The first list entry of that name, else the one of that number; none otherwise.
std::optional<size_t> entry_index(const Traced& list, const std::string& key);
/// How list entry `index` is addressed: by its name where that is unique in the list, else by number.
std::string entry_address(const Traced& list, size_t index);
/// dotted path of every value -> origin.
std::map<std::string, std::string> provenance_of(const Traced& root);
/// dotted path of every value -> its JSON.
std::map<std::string, std::string> values_of(const Traced& root);

}  // namespace lamina::engine
