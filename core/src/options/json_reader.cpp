// Builds the value from the parser's events, because only there a duplicate key can be seen and placed.
#include "options/json_reader.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

namespace lamina {
namespace {

using nlohmann::json;

constexpr size_t kDeepest = 200;  // far beyond any experiment; keeps recursion over values safe

/// Walks over the text and tells the outside how far the parser has read.
class Reader {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  Reader& operator++() {
    ++at_;
    if (reached_) *reached_ = at_;
    return *this;
  }
  Reader operator++(int) {
    Reader old = *this;
    ++*this;
    return old;
  }
  bool operator==(const Reader& other) const { return at_ == other.at_; }
  bool operator!=(const Reader& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

class Builder : public nlohmann::json_sax<json> {
 public:
  Builder(std::string_view text, const std::string& origin) : text_(text), origin_(origin), reached_(text.data()) {}

  const char** reached() { return &reached_; }
  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (stack_.back()->contains(name))
      refuse(start_of_key(), text("the key '", name, "' is given twice in one object"));
    key_ = name;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception& problem) override {
    std::string words = problem.what();
    // The library starts with its own name and a position of its own.
    if (const size_t after = words.find("syntax error"); after != std::string::npos) words = words.substr(after);
    if (const size_t after = words.find("] "); after != std::string::npos && words.front() == '[')
      words = words.substr(after + 2);
    refuse(std::min(position == 0 ? 0 : position - 1, text_.size()), words);
  }

 private:
  bool open(json empty) {
    if (stack_.size() >= kDeepest) refuse(offset(), text("lists and objects are nested deeper than ", kDeepest));
    stack_.push_back(place(std::move(empty)));
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  bool put(json value) {
    place(std::move(value));
    return true;
  }

  json* place(json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  size_t offset() const { return static_cast<size_t>(reached_ - text_.data()); }

  /// The parser stands behind the key's closing quote: walk back to the opening one.
  size_t start_of_key() const {
    size_t at = text_.rfind('"', offset() - 1);
    while (at > 0) {
      at = text_.rfind('"', at - 1);
      if (at == std::string_view::npos) return 0;
      size_t slashes = 0;
      while (slashes < at && text_[at - 1 - slashes] == '\\') ++slashes;
      if (slashes % 2 == 0) return at;
    }
    return 0;
  }

  [[noreturn]] void refuse(size_t position, const std::string& problem) const {
    const auto before = text_.substr(0, position);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t start = before.rfind('\n');
    const size_t column = start == std::string_view::npos ? position + 1 : position - start;
    throw ConfigError(text(origin_, ":", line, ":", column, ": ", problem));
  }

  std::string_view text_;
  const std::string& origin_;
  const char* reached_;
  json root_;
  std::vector<json*> stack_;
  std::string key_;
};

}  // namespace

json read_json(std::string_view text, const std::string& origin) {
  Builder builder(text, origin);
  const Reader first(text.data(), builder.reached()), last(text.data() + text.size(), nullptr);
  json::sax_parse(first, last, &builder, json::input_format_t::json, true, true);
  return builder.take();
}

}  // namespace lamina
