// Reads conditions by recursive descent and evaluates them.
#include "engine/ablate/condition.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cctype>
#include <string_view>

namespace lamina::engine {

/// A node of the tree: a constant, a name, or an operator over `parts`.
struct Condition::Term {
  std::string kind;  // "value", "name", or the operator
  ConfigNode value;
  std::string name;
  std::vector<Term> parts;
};

namespace {

using Term = Condition::Term;

class ConditionReader {
 public:
  ConditionReader(const std::string& words, std::vector<std::string>& names) : words_(words), names_(names) {}

  Term read() {
    Term term = either();
    skip_spaces();
    if (at_ < words_.size()) refuse("cannot go on here");
    return term;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw ConfigError(text("the condition \"", words_, "\" ", why, ": \"", words_.substr(0, at_), "\" <here> \"",
                           words_.substr(at_),
                           "\"; expected for example adapter == 'lora' && (rank < 8 || fold in [0, 1])"));
  }

  void skip_spaces() {
    while (at_ < words_.size() && std::isspace(static_cast<unsigned char>(words_[at_]))) ++at_;
  }

  bool accept(std::string_view token) {
    skip_spaces();
    if (words_.compare(at_, token.size(), token) != 0) return false;
    at_ += token.size();
    return true;
  }

  Term either() {
    Term left = both();
    while (accept("||")) left = joined("||", std::move(left), both());
    return left;
  }

  Term both() {
    Term left = negated();
    while (accept("&&")) left = joined("&&", std::move(left), negated());
    return left;
  }

  Term negated() {
    skip_spaces();
    const bool unequal = words_.compare(at_, 2, "!=") == 0;
    if (!unequal && accept("!")) {
      Term made{"!", {}, "", {}};
      made.parts.push_back(negated());
      return made;
    }
    return compared();
  }

  Term compared() {
    Term left = operand();
    for (const char* sign : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (accept(sign)) return joined(sign, std::move(left), operand());
    }
    skip_spaces();
    const bool in = words_.compare(at_, 2, "in") == 0 && (at_ + 2 == words_.size() || !is_word(words_[at_ + 2]));
    if (!in) return left;
    at_ += 2;
    return joined("in", std::move(left), operand());
  }

  static Term joined(const std::string& sign, Term left, Term right) {
    Term made{sign, {}, "", {}};
    made.parts.push_back(std::move(left));
    made.parts.push_back(std::move(right));
    return made;
  }

  Term operand() {
    skip_spaces();
    if (at_ == words_.size()) refuse("ends too early");
    if (accept("(")) {
      Term inside = either();
      if (!accept(")")) refuse("lacks a ')'");
      return inside;
    }
    if (words_[at_] == '[') return list();
    if (words_[at_] == '\'' || words_[at_] == '"') return quoted();
    return word();
  }

  Term list() {
    Term made{"list", {}, "", {}};
    accept("[");
    if (accept("]")) return made;
    do {
      made.parts.push_back(operand());
    } while (accept(","));
    if (!accept("]")) refuse("lacks a ']'");
    return made;
  }

  Term quoted() {
    const size_t end = words_.find(words_[at_], at_ + 1);
    if (end == std::string::npos) refuse("has a quote that never closes");
    ConfigNode holder = ConfigNode::object();
    holder.set("text", words_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return {"value", holder.at("text"), "", {}};
  }

  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

  /// A number, true, false, null, or a name: an axis or a dotted path with [entries].
  Term word() {
    const size_t start = at_;
    bool bracket = false;
    while (at_ < words_.size()) {
      const char c = words_[at_];
      if (c == '[' && at_ > start) bracket = true;
      const bool part = is_word(c) || c == '.' || c == '-' || c == '+' || (bracket && c != '&' && c != '|');
      if (!part) break;
      if (c == ']') bracket = false;
      ++at_;
    }
    if (at_ == start) refuse("cannot go on here");
    const std::string found = words_.substr(start, at_ - start);
    const bool number = std::isdigit(static_cast<unsigned char>(found[0])) || found[0] == '-' || found[0] == '+';
    if (number || found == "true" || found == "false" || found == "null") return constant(found, start);
    names_.push_back(found);
    return {"name", {}, found, {}};
  }

  Term constant(const std::string& found, size_t start) {
    try {
      return {"value", ConfigNode::parse(found), "", {}};
    } catch (const ConfigError&) {
      at_ = start;
      refuse("has a number that cannot be read");
    }
  }

  const std::string& words_;
  std::vector<std::string>& names_;
  size_t at_ = 0;
};

class ConditionValue {
 public:
  ConditionValue(const std::string& words, const NameValue& value_of) : words_(words), value_of_(value_of) {}

  bool truth(const Term& term) const {
    if (term.kind == "!") return !truth(term.parts[0]);
    if (term.kind == "&&") return truth(term.parts[0]) && truth(term.parts[1]);
    if (term.kind == "||") return truth(term.parts[0]) || truth(term.parts[1]);
    if (term.kind == "in") return contains(term);
    if (term.parts.size() == 2 && term.kind != "list") return compare(term);
    const ConfigNode value = value_of(term);
    if (value.is_bool()) return value.as_bool();
    refuse(text("needs true or false, and '", term.name, "' is ", value.is_null() ? "not there" : value.dump()));
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw ConfigError(text("the condition \"", words_, "\" ", why));
  }

  ConfigNode value_of(const Term& term) const {
    if (term.kind == "value") return term.value;
    if (term.kind == "name") return value_of_(term.name);
    if (term.kind != "list") refuse("compares a comparison; use && and ||");
    ConfigNode list = ConfigNode::array();
    for (const auto& part : term.parts) list.push_back(value_of(part));
    return list;
  }

  static bool equal(const ConfigNode& left, const ConfigNode& right) {
    if (left.is_number() && right.is_number()) return left.as_number() == right.as_number();
    return left == right;
  }

  bool contains(const Term& term) const {
    const ConfigNode left = value_of(term.parts[0]), right = value_of(term.parts[1]);
    if (!right.is_array()) refuse("asks what is 'in' something that is no list");
    for (size_t i = 0; i < right.size(); ++i) {
      if (equal(left, right.at(i))) return true;
    }
    return false;
  }

  bool compare(const Term& term) const {
    const ConfigNode left = value_of(term.parts[0]), right = value_of(term.parts[1]);
    if (term.kind == "==") return equal(left, right);
    if (term.kind == "!=") return !equal(left, right);
    if (!left.is_number() || !right.is_number()) {
      refuse(text("orders ", left.dump(), " and ", right.dump(), "; only numbers have an order"));
    }
    const double a = left.as_number(), b = right.as_number();
    if (term.kind == "<") return a < b;
    if (term.kind == "<=") return a <= b;
    return term.kind == ">" ? a > b : a >= b;
  }

  const std::string& words_;
  const NameValue& value_of_;
};

}  // namespace

Condition::Condition(const std::string& words) : words_(words) {
  root_ = std::make_unique<Term>(ConditionReader(words_, names_).read());
}
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;
Condition::~Condition() = default;

bool Condition::holds(const NameValue& value_of) const { return ConditionValue(words_, value_of).truth(*root_); }

}  // namespace lamina::engine
