// Conversion of traced configurations from and to plain ones, and the addresses of their values.
#include "engine/experiment/traced.hpp"

#include "engine/experiment/path.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <functional>

namespace lamina::engine {

Traced Traced::from(const ConfigNode& node, const std::string& origin) {
  Traced made;
  made.origin = origin;
  if (node.is_object()) {
    made.form = Form::Object;
    for (const std::string& key : node.keys()) made.members.emplace(key, from(node.at(key), origin));
  } else if (node.is_array()) {
    made.form = Form::List;
    for (size_t i = 0; i < node.size(); ++i) made.items.push_back(from(node.at(i), origin));
  } else {
    made.leaf = node;
  }
  return made;
}

ConfigNode Traced::node() const {
  if (form == Form::Leaf) return leaf;
  if (form == Form::List) {
    ConfigNode list = ConfigNode::array();
    for (const Traced& item : items) list.push_back(item.node());
    return list;
  }
  ConfigNode object = ConfigNode::object();
  for (const auto& [key, member] : members) object.set(key, member.node());
  return object;
}

std::string Traced::text_at(const std::string& key) const {
  if (!has(key)) return "";
  const Traced& member = members.at(key);
  return member.is_text() ? member.leaf.as_text() : "";
}

std::string Traced::entry_name() const {
  if (is_text()) return leaf.as_text();
  const std::string id = text_at("id");
  return id.empty() ? text_at("type") : id;
}

void Traced::expand_short_form() {
  if (!is_text()) return;
  Traced type = *this;
  form = Form::Object;
  leaf = ConfigNode();
  members.emplace("type", std::move(type));
}

std::optional<size_t> entry_index(const Traced& list, const std::string& key) {
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (list.items[i].entry_name() == key) return i;
  }
  size_t index = 0;
  const auto parsed = std::from_chars(key.data(), key.data() + key.size(), index);
  const bool number = parsed.ec == std::errc() && parsed.ptr == key.data() + key.size();
  return number && index < list.items.size() ? std::optional(index) : std::nullopt;
}

std::string entry_address(const Traced& list, size_t index) {
  const std::string name = list.items.at(index).entry_name();
  const bool addressable =
      !name.empty() && list.items[index].is_object() && name.find_first_of("[]") == std::string::npos;
  const auto same = [&](const Traced& other) { return other.entry_name() == name; };
  if (addressable && std::count_if(list.items.begin(), list.items.end(), same) == 1) return "[" + name + "]";
  return text("[", index, "]");
}

namespace {

/// Calls `visit` with the path of every leaf, empty object and list of plain values.
void walk(const Traced& one, const std::string& path,
          const std::function<void(const std::string&, const Traced&)>& visit) {
  const bool plain_list = one.is_list() && std::none_of(one.items.begin(), one.items.end(),
                                                        [](const Traced& item) { return item.is_object(); });
  const bool empty_object = one.is_object() && one.members.empty();
  if (one.form == Traced::Form::Leaf || plain_list || empty_object) return visit(path, one);
  for (const auto& [key, member] : one.members) walk(member, join_path(path, key), visit);
  for (size_t i = 0; i < one.items.size(); ++i) walk(one.items[i], path + entry_address(one, i), visit);
}

}  // namespace

std::map<std::string, std::string> provenance_of(const Traced& root) {
  std::map<std::string, std::string> origins;
  walk(root, "", [&](const std::string& path, const Traced& value) { origins[path] = value.origin; });
  return origins;
}

std::map<std::string, std::string> values_of(const Traced& root) {
  std::map<std::string, std::string> values;
  walk(root, "", [&](const std::string& path, const Traced& value) { values[path] = value.node().dump(); });
  return values;
}

}  // namespace lamina::engine
