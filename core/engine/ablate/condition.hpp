// The small language of `when` and `constraints`: comparisons of axes and settings, joined by && || ! and brackets.
#pragma once

#include <lamina/options/config_node.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamina::engine {

/// What a name stands for: the level or value of an axis, a setting at a dotted path, or null where there is none.
using NameValue = std::function<ConfigNode(const std::string&)>;

/// "loss == 'dice_ce' && fold < 3", "encoder in ['tiny', 'base']", "!(encoder == 'huge' && batch > 1)".
/// Operators: == != < <= > >= in && || ! ( ). Texts in single or double quotes, numbers, true, false, null, lists in
/// brackets; every other word is a name. A name alone must be true or false.
class Condition {
 public:
  /// ConfigError that shows where the text cannot be read.
  explicit Condition(const std::string& words);
  Condition(Condition&&) noexcept;
  Condition& operator=(Condition&&) noexcept;
  ~Condition();

  /// ConfigError where values cannot be compared as asked. The right side of && and || is asked only when it matters.
  bool holds(const NameValue& value_of) const;
  const std::vector<std::string>& names() const { return names_; }
  const std::string& words() const { return words_; }

  struct Term;

 private:
  std::string words_;
  std::vector<std::string> names_;
  std::unique_ptr<Term> root_;
};

}  // namespace lamina::engine
