// Options are declared once: `void bind(OptionBinder& o) { o.field("ratio", ratio, "Hidden width ...", Range{0.01, 1.0}); }`
// The same call parses, describes, dumps and makes the schema. Defaults are the members' initial values.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/options/option_doc.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace lamina {

// Constraints, given after the help text.
struct Range {
  double minimum, maximum;
};
struct AtLeast {
  double minimum;
};
struct Odd {};
struct Required {};
struct OneOf {
  std::vector<std::string> choices;
  OneOf(std::initializer_list<std::string> list) : choices(list) {}
};

/// Where a value lives; spans are lists of fixed length.
using OptionSlot =
    std::variant<bool*, int64_t*, double*, std::string*, std::optional<int64_t>*, std::optional<double>*, std::optional<std::string>*,
                 std::vector<int64_t>*, std::vector<double>*, std::vector<std::string>*, std::vector<std::vector<int64_t>>*,
                 std::span<int64_t>, std::span<double>, ConfigNode*, std::vector<ConfigNode>*>;

class LAMINA_API OptionBinder {
 public:
  virtual ~OptionBinder();

  /// Declares one option. T: bool, int64_t, double, std::string, std::optional or std::vector of these (vector of
  /// vector for int64_t), std::array of int64_t or double, ConfigNode (any JSON).
  template <class T, class... Constraints>
  void field(const std::string& name, T& value, const std::string& help, const Constraints&... constraints) {
    OptionDoc doc;
    doc.name = name;
    doc.help = help;
    (constrain(doc, constraints), ...);
    visit(doc, slot(value));
  }

  /// Declares a nested object whose struct has its own bind().
  template <class Nested>
  void group(const std::string& name, Nested& nested, const std::string& help) {
    if (!enter(name, help)) return;
    nested.bind(*this);
    leave();
  }

  /// Declares an option that is itself a component of `kind` ({"type": ..., ...}); lists of components nest.
  void component(const std::string& name, ConfigNode& entry, const std::string& kind, const std::string& help);
  void components(const std::string& name, std::vector<ConfigNode>& entries, const std::string& kind, const std::string& help);

 protected:
  virtual void visit(OptionDoc& doc, OptionSlot slot) = 0;
  virtual bool enter(const std::string& group, const std::string& help) = 0;
  virtual void leave() = 0;

 private:
  static void constrain(OptionDoc& doc, const Range& range) { doc.minimum = range.minimum, doc.maximum = range.maximum; }
  static void constrain(OptionDoc& doc, const AtLeast& bound) { doc.minimum = bound.minimum; }
  static void constrain(OptionDoc& doc, const Odd&) { doc.odd = true; }
  static void constrain(OptionDoc& doc, const Required&) { doc.required = true; }
  static void constrain(OptionDoc& doc, const OneOf& one_of) { doc.choices = one_of.choices; }

  template <class T>
  static OptionSlot slot(T& value) {
    return &value;
  }
  template <class T, size_t N>
  static OptionSlot slot(std::array<T, N>& value) {
    return std::span<T>(value);
  }
};

/// Collects every mistake of a file, so that the user sees them at once.
class LAMINA_API OptionErrors {
 public:
  void add(const std::string& path, const std::string& problem);
  bool empty() const { return problems_.empty(); }
  size_t size() const { return problems_.size(); }
  const std::vector<std::string>& problems() const { return problems_; }  ///< "path: problem"
  /// Throws ConfigError listing all problems, headed by `title`; does nothing when there are none.
  void throw_if_any(const std::string& title) const;

 private:
  std::vector<std::string> problems_;
};

/// Looks after components inside options: implemented by the registry.
class LAMINA_API ComponentChecker {
 public:
  virtual ~ComponentChecker();
  virtual void check(const std::string& kind, const ConfigNode& entry, const std::string& where, OptionErrors& errors) const = 0;
  virtual ConfigNode resolve(const std::string& kind, const ConfigNode& entry) const = 0;
};

/// Keys of a component's entry that are not its options.
inline constexpr std::array<const char*, 3> kEntryKeys{"type", "id", "at"};

namespace detail {
LAMINA_API std::unique_ptr<OptionBinder> make_parser(const ConfigNode& node, const std::string& where, const ComponentChecker* checker,
                                                     const std::vector<std::string>& foreign_keys, OptionErrors& errors);
LAMINA_API void finish_parser(OptionBinder& parser);  // reports unknown keys
LAMINA_API std::unique_ptr<OptionBinder> make_describer(std::vector<OptionDoc>& docs);
LAMINA_API std::unique_ptr<OptionBinder> make_dumper(ConfigNode& target, const ComponentChecker* checker);
}  // namespace detail

/// Reads `options` from `node`; unknown keys, wrong types and values out of range go to `errors` with dotted paths.
/// Keys in `foreign_keys` belong to somebody else. Calls `options.check(errors, where)` where there is one.
template <class Options>
void parse_options(Options& options, const ConfigNode& node, const std::string& where, OptionErrors& errors,
                   const ComponentChecker* checker = nullptr, const std::vector<std::string>& foreign_keys = {}) {
  const size_t before = errors.size();
  auto parser = detail::make_parser(node, where, checker, foreign_keys, errors);
  options.bind(*parser);
  detail::finish_parser(*parser);
  if constexpr (requires { options.check(errors, where); }) {
    if (errors.size() == before) options.check(errors, where);
  }
}

template <class Options>
std::vector<OptionDoc> describe_options() {
  std::vector<OptionDoc> docs;
  Options options;
  options.bind(*detail::make_describer(docs));
  return docs;
}

/// Every option with its value, defaults filled in.
template <class Options>
ConfigNode dump_options(Options options, const ComponentChecker* checker = nullptr) {
  ConfigNode node = ConfigNode::object();
  options.bind(*detail::make_dumper(node, checker));
  return node;
}

}  // namespace lamina
