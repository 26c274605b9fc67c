// Two sets of weights compared by name.
#pragma once

#include <lamina/data/tensors.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace lamina::engine {

struct WeightsDiff {
  struct Pair {
    std::string name, a, b;
  };
  struct Values {
    std::string name;
    int64_t count;   ///< values that differ; NaN equals NaN
    double largest;  ///< absolute difference; NaN where only one side is a number
  };
  std::vector<std::string> only_a, only_b;
  std::vector<Pair> shapes;  ///< "[3, 4]" and "[4, 3]": not compared further
  std::vector<Pair> types;   ///< "Float" and "Half": compared as numbers all the same
  std::vector<Values> values;
  int64_t equal = 0;  ///< tensors of equal shape and values
  bool none() const { return only_a.empty() && only_b.empty() && shapes.empty() && types.empty() && values.empty(); }
};

WeightsDiff diff_weights(const StateDict& a, const StateDict& b);

}  // namespace lamina::engine
