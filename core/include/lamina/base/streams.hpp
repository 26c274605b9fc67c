// A short ordered map from stream name to value: one entry for ordinary methods, two for two-resolution ones.
#pragma once

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lamina {

/// The name of the only stream of an ordinary method.
inline constexpr const char* kPrimaryStream = "image";

template <class T>
class Streams {
 public:
  using Item = std::pair<std::string, T>;

  Streams() = default;
  explicit Streams(T primary) { items_.emplace_back(kPrimaryStream, std::move(primary)); }

  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  bool contains(std::string_view stream) const { return find(stream) != items_.end(); }

  /// The first stream. Throws Error when there is none.
  T& primary() { return const_cast<T&>(std::as_const(*this).primary()); }
  const T& primary() const {
    if (items_.empty()) throw Error("there is no stream here; expected at least one");
    return items_.front().second;
  }

  /// The named stream. Throws Error with the names that exist.
  T& at(std::string_view stream) { return const_cast<T&>(std::as_const(*this).at(stream)); }
  const T& at(std::string_view stream) const {
    auto found = find(stream);
    if (found != items_.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [name, value] : items_) names.push_back(name);
    throw Error(text("there is no stream '", stream, "'; there are: ", join(names)));
  }

  /// Adds the stream, or replaces its value.
  void set(std::string stream, T value) {
    for (auto& [name, old] : items_) {
      if (name == stream) {
        old = std::move(value);
        return;
      }
    }
    items_.emplace_back(std::move(stream), std::move(value));
  }

  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  typename std::vector<Item>::const_iterator find(std::string_view stream) const {
    auto item = items_.begin();
    while (item != items_.end() && item->first != stream) ++item;
    return item;
  }

  std::vector<Item> items_;
};

}  // namespace lamina
