// One value of an experiment file. Hides the JSON library, so that plugins do not depend on its version.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lamina {

/// A JSON value with value semantics (copies are deep). Accessors throw ConfigError when the type is another.
class LAMINA_API ConfigNode {
 public:
  ConfigNode();  ///< null
  ConfigNode(const ConfigNode&);
  ConfigNode(ConfigNode&&) noexcept;
  ConfigNode& operator=(ConfigNode);
  ~ConfigNode();

  /// Reads JSON with // comments; duplicate keys are errors with line and column. `origin` is named in messages.
  static ConfigNode parse(std::string_view text, const std::string& origin = "text");
  static ConfigNode object();
  static ConfigNode array();

  std::string dump(int indent = -1) const;  ///< sorted keys, shortest round-trip numbers
  bool operator==(const ConfigNode& other) const;

  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_number() const;
  bool is_integer() const;
  bool is_bool() const;
  /// "object", "list", "text", "number", "true/false" or "null", as messages say it.
  std::string type_name() const;

  size_t size() const;
  std::vector<std::string> keys() const;
  bool contains(std::string_view key) const;
  ConfigNode at(std::string_view key) const;  ///< a copy; throws ConfigError when missing
  ConfigNode at(size_t index) const;
  /// The text at `key`, or `otherwise` where the key is missing or no text.
  std::string text_or(std::string_view key, std::string otherwise) const;

  std::string as_text() const;
  int64_t as_integer() const;
  double as_number() const;
  bool as_bool() const;

  void set(const std::string& key, ConfigNode value);
  void set(const std::string& key, const std::string& value);
  void set(const std::string& key, const char* value);
  void set(const std::string& key, int64_t value);
  void set(const std::string& key, double value);
  void set(const std::string& key, bool value);
  void push_back(ConfigNode value);
  void erase(const std::string& key);

  struct Json;  // the library's value; core/src/options/json_access.hpp opens it for lamina's own sources
  Json& json();
  const Json& json() const;

 private:
  std::unique_ptr<Json> json_;
};

}  // namespace lamina
