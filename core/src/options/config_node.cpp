// ConfigNode: value semantics around the JSON library, and accessors that say in words what they met.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/options/config_node.hpp>

#include "options/json_access.hpp"
#include "options/json_reader.hpp"

#include <cmath>
#include <limits>

namespace lamina {
namespace {

using Value = nlohmann::json;

std::string dumped(const Value& value, int indent) {
  return value.dump(indent, ' ', false, Value::error_handler_t::replace);
}

std::string shown(const Value& value) {
  std::string words = dumped(value, -1);
  if (words.size() > 60) words = words.substr(0, 57) + "...";
  return words;
}

[[noreturn]] void refuse(const char* expected, const ConfigNode& node) {
  throw ConfigError(text("expected ", expected, ", got ", node.type_name(), " ", shown(node.json().value)));
}

}  // namespace

ConfigNode::ConfigNode() : json_(std::make_unique<Json>()) {}
ConfigNode::ConfigNode(const ConfigNode& other) : json_(std::make_unique<Json>(other.json())) {}
ConfigNode::ConfigNode(ConfigNode&& other) noexcept : json_(std::move(other.json_)) {}
ConfigNode& ConfigNode::operator=(ConfigNode other) {
  json_.swap(other.json_);
  return *this;
}
ConfigNode::~ConfigNode() = default;

ConfigNode ConfigNode::parse(std::string_view text, const std::string& origin) {
  return make_node(read_json(text, origin));
}
ConfigNode ConfigNode::object() { return make_node(Value::object()); }
ConfigNode ConfigNode::array() { return make_node(Value::array()); }

std::string ConfigNode::dump(int indent) const { return dumped(json().value, indent); }
bool ConfigNode::operator==(const ConfigNode& other) const { return json().value == other.json().value; }

bool ConfigNode::is_null() const { return json().value.is_null(); }
bool ConfigNode::is_object() const { return json().value.is_object(); }
bool ConfigNode::is_array() const { return json().value.is_array(); }
bool ConfigNode::is_string() const { return json().value.is_string(); }
bool ConfigNode::is_number() const { return json().value.is_number(); }
bool ConfigNode::is_integer() const { return json().value.is_number_integer(); }
bool ConfigNode::is_bool() const { return json().value.is_boolean(); }

std::string ConfigNode::type_name() const {
  if (is_object()) return "object";
  if (is_array()) return "list";
  if (is_string()) return "text";
  if (is_number()) return "number";
  if (is_bool()) return "true/false";
  return "null";
}

size_t ConfigNode::size() const { return is_object() || is_array() ? json().value.size() : 0; }

std::vector<std::string> ConfigNode::keys() const {
  std::vector<std::string> names;
  if (!is_object()) return names;
  for (const auto& item : json().value.items()) names.push_back(item.key());
  return names;
}

bool ConfigNode::contains(std::string_view key) const { return is_object() && json().value.contains(key); }

ConfigNode ConfigNode::at(std::string_view key) const {
  if (!is_object()) refuse("an object", *this);
  const auto found = json().value.find(key);
  if (found != json().value.end()) return make_node(*found);
  throw ConfigError(text("there is no key '", key, "'", did_you_mean(key, keys()), "; there are: ", join(keys())));
}

ConfigNode ConfigNode::at(size_t index) const {
  if (!is_array()) refuse("a list", *this);
  if (index < size()) return make_node(json().value[index]);
  throw ConfigError(text("there is no entry ", index, " in a list of ", size()));
}

std::string ConfigNode::text_or(std::string_view key, std::string otherwise) const {
  if (!contains(key)) return otherwise;
  const auto found = json().value.find(key);
  return found->is_string() ? found->get<std::string>() : otherwise;
}

std::string ConfigNode::as_text() const {
  if (!is_string()) refuse("text", *this);
  return json().value.get<std::string>();
}

int64_t ConfigNode::as_integer() const {
  const Value& value = json().value;
  const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= std::numeric_limits<int64_t>::max();
  if (!is_integer() || !fits) refuse("an integer", *this);
  return value.get<int64_t>();
}

double ConfigNode::as_number() const {
  if (!is_number()) refuse("a number", *this);
  return json().value.get<double>();
}

bool ConfigNode::as_bool() const {
  if (!is_bool()) refuse("true or false", *this);
  return json().value.get<bool>();
}

void ConfigNode::set(const std::string& key, ConfigNode value) {
  if (is_null()) json().value = Value::object();
  if (!is_object()) refuse("an object", *this);
  json().value[key] = std::move(value.json().value);
}

void ConfigNode::set(const std::string& key, const std::string& value) { set(key, make_node(value)); }
void ConfigNode::set(const std::string& key, const char* value) { set(key, make_node(value)); }
void ConfigNode::set(const std::string& key, int64_t value) { set(key, make_node(value)); }
// JSON knows no NaN and no infinity: null stands for both.
void ConfigNode::set(const std::string& key, double value) {
  set(key, std::isfinite(value) ? make_node(value) : ConfigNode());
}
void ConfigNode::set(const std::string& key, bool value) { set(key, make_node(value)); }

void ConfigNode::push_back(ConfigNode value) {
  if (is_null()) json().value = Value::array();
  if (!is_array()) refuse("a list", *this);
  json().value.push_back(std::move(value.json().value));
}

void ConfigNode::erase(const std::string& key) {
  if (!is_object()) refuse("an object", *this);
  json().value.erase(key);
}

ConfigNode::Json& ConfigNode::json() {
  if (!json_) json_ = std::make_unique<Json>();  // a moved-from node is null again
  return *json_;
}

const ConfigNode::Json& ConfigNode::json() const {
  static const Json kNull;
  return json_ ? *json_ : kNull;
}

}  // namespace lamina
