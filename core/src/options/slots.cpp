// Values of options from and to nodes; every refusal says what was expected and what was there.
#include "options/slots.hpp"

#include <lamina/base/text.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

#include "options/json_access.hpp"

namespace lamina {
namespace {

template <class T>
struct Unwrapped {
  using Type = T;
};
template <class T>
struct Unwrapped<std::optional<T>> {
  using Type = T;
};
template <class T>
inline constexpr bool kIsOptional = !std::is_same_v<typename Unwrapped<T>::Type, T>;

// OptionType of each C++ type.
template <class T>
constexpr OptionType type_of() {
  if constexpr (std::is_same_v<T, bool>) return OptionType::Bool;
  if constexpr (std::is_same_v<T, int64_t>) return OptionType::Integer;
  if constexpr (std::is_same_v<T, double>) return OptionType::Number;
  if constexpr (std::is_same_v<T, std::string>) return OptionType::Text;
  if constexpr (std::is_same_v<T, std::vector<int64_t>>) return OptionType::IntegerList;
  if constexpr (std::is_same_v<T, std::vector<double>>) return OptionType::NumberList;
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return OptionType::TextList;
  if constexpr (std::is_same_v<T, std::vector<std::vector<int64_t>>>) return OptionType::IntegerTable;
  return OptionType::Any;
}

struct Describe {
  OptionDoc& doc;
  template <class T>
  void operator()(T* const) const {
    doc.type = type_of<typename Unwrapped<T>::Type>();
    doc.optional = kIsOptional<T>;
    if (doc.component_kind.empty()) return;
    doc.type = std::is_same_v<T, ConfigNode> ? OptionType::Component : OptionType::ComponentList;
  }
  template <class T>
  void operator()(const std::span<T>& list) const {
    doc.type = type_of<std::vector<T>>();
    doc.length = list.size();
  }
};

nlohmann::json json_of(const ConfigNode& node) { return node.json().value; }
template <class T>
nlohmann::json json_of(const T& value) {
  return value;
}
template <class T>
nlohmann::json json_of(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}
nlohmann::json json_of(const std::vector<ConfigNode>& nodes) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& node : nodes) list.push_back(node.json().value);
  return list;
}

struct ValueOf {
  template <class T>
  ConfigNode operator()(T* value) const {
    return make_node(json_of(*value));
  }
  template <class T>
  ConfigNode operator()(const std::span<T>& list) const {
    return make_node(std::vector<T>(list.begin(), list.end()));
  }
};

/// Reads one value; a mistake becomes a line of `errors`.
class Reader {
 public:
  Reader(const OptionDoc& doc, OptionErrors& errors) : doc_(doc), errors_(errors) {}

  bool read(const ConfigNode& node, const std::string& path, bool& value) {
    if (!node.is_bool()) return refuse(path, node);
    value = node.as_bool();
    return true;
  }

  bool read(const ConfigNode& node, const std::string& path, int64_t& value) {
    const bool whole = node.is_integer() && std::abs(node.as_number()) < 0x1p63;
    if (!whole || !allowed(node.as_number())) return refuse(path, node);
    if (doc_.odd && node.as_integer() % 2 == 0) return refuse(path, node);
    value = node.as_integer();
    return true;
  }

  bool read(const ConfigNode& node, const std::string& path, double& value) {
    if (!node.is_number() || !allowed(node.as_number())) return refuse(path, node);
    value = node.as_number();
    return true;
  }

  bool read(const ConfigNode& node, const std::string& path, std::string& value) {
    if (!node.is_string()) return refuse(path, node);
    const std::string word = node.as_text();
    const bool known =
        doc_.choices.empty() || std::find(doc_.choices.begin(), doc_.choices.end(), word) != doc_.choices.end();
    if (!known) return refuse(path, node, did_you_mean(word, doc_.choices));
    value = word;
    return true;
  }

  bool read(const ConfigNode& node, const std::string&, ConfigNode& value) {
    value = node;
    return true;
  }

  template <class T>
  bool read(const ConfigNode& node, const std::string& path, std::optional<T>& value) {
    if (node.is_null()) {
      value.reset();
      return true;
    }
    T inner{};
    if (!read(node, path, inner)) return false;
    value = std::move(inner);
    return true;
  }

  template <class T>
  bool read(const ConfigNode& node, const std::string& path, std::vector<T>& value) {
    if (!node.is_array()) return refuse(path, node);
    std::vector<T> items(node.size());
    bool good = true;
    for (size_t i = 0; i < items.size(); ++i) good = read(node.at(i), text(path, "[", i, "]"), items[i]) && good;
    if (good) value = std::move(items);
    return good;
  }

  template <class T>
  bool read(const ConfigNode& node, const std::string& path, const std::span<T>& value) {
    if (!node.is_array() || node.size() != value.size()) return refuse(path, node);
    std::vector<T> items;
    if (!read(node, path, items)) return false;
    std::copy(items.begin(), items.end(), value.begin());
    return true;
  }

 private:
  bool allowed(double number) const {
    return number >= doc_.minimum.value_or(-std::numeric_limits<double>::infinity()) &&
           number <= doc_.maximum.value_or(std::numeric_limits<double>::infinity());
  }

  bool refuse(const std::string& path, const ConfigNode& node, const std::string& hint = "") {
    std::string shown = node.dump();
    if (shown.size() > 80) shown = shown.substr(0, 77) + "...";
    errors_.add(path, text("expected ", expectation(doc_), ", got ", shown, hint));
    return false;
  }

  const OptionDoc& doc_;
  OptionErrors& errors_;
};

}  // namespace

void describe_slot(OptionDoc& doc, const OptionSlot& slot) { std::visit(Describe{doc}, slot); }

ConfigNode slot_value(const OptionSlot& slot) { return std::visit(ValueOf{}, slot); }

void read_slot(const OptionDoc& doc, const OptionSlot& slot, const ConfigNode& node, const std::string& path,
               OptionErrors& errors) {
  Reader reader(doc, errors);
  std::visit(
      [&](const auto& target) {
        if constexpr (std::is_pointer_v<std::decay_t<decltype(target)>>) {
          reader.read(node, path, *target);
        } else {
          reader.read(node, path, target);
        }
      },
      slot);
}

}  // namespace lamina
