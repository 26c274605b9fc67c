// Reads Python's pickles without Python: nothing is imported, nothing is run. What a program would call becomes a node
// that only tells its name and its arguments. Knows neither torch nor files, so that it can be fuzzed alone.
#pragma once

#include <lamina/base/error.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lamina::engine {

/// Nodes name each other by number: shared and circular values are harmless, and nothing deep is ever destroyed.
using PickleId = uint32_t;
inline constexpr PickleId kNoPickle = UINT32_MAX;

struct PickleNode {
  enum class Kind : uint8_t { None, Bool, Int, Float, Text, Bytes, Tuple, List, Dict, Global, Call, Persistent };
  Kind kind = Kind::None;
  int64_t number = 0;             ///< Bool, Int
  double real = 0;                ///< Float
  std::string text{};             ///< Text, Bytes (also whole numbers beyond 64 bits); dotted name of Global and Call
  std::vector<PickleId> items{};  ///< Tuple, List: elements; Dict, and what a Call was filled with: key, value, key...
  PickleId argument = kNoPickle;  ///< Call: its tuple of arguments; Persistent: what it stands for
  PickleId state = kNoPickle;     ///< Call: what BUILD gave it
};

struct Pickle {
  std::vector<PickleNode> nodes;
  PickleId root = kNoPickle;
  const PickleNode& operator[](PickleId id) const { return nodes[id]; }
};

using PickleGlobals = std::set<std::string, std::less<>>;

/// The pickle is sound, but would run a program.
struct PickleRefused : DataError {
  using DataError::DataError;
};

/// Reads one pickle of protocol 2 to 5, as torch.save writes them. DataError, which begins with `origin`: damage, or
/// more than a million values. PickleRefused: a global that is not among `allowed` (by name), an operation that data do
/// not need.
Pickle read_pickle(std::string_view bytes, const std::string& origin, const PickleGlobals& allowed);

}  // namespace lamina::engine
