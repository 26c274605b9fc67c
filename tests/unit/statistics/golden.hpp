// Golden values of tests/parity/make_statistics.py, and tables from them.
#pragma once

#include "engine/statistics/score_table.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>
#include <lamina/options/config_node.hpp>

#include <limits>
#include <string>
#include <vector>

namespace lamina::engine::testing {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

inline const ConfigNode& golden() {
  static const std::string file = LAMINA_TEST_SOURCE_DIR "/tests/parity/statistics.json";
  static const ConfigNode values = ConfigNode::parse(read_file(file), file);
  return values;
}

inline std::vector<double> numbers(const ConfigNode& list) {
  std::vector<double> values;
  for (size_t i = 0; i < list.size(); ++i) values.push_back(list.at(i).is_null() ? kNan : list.at(i).as_number());
  return values;
}

/// Units u0, u1 .. (each a group of its own) by seeds 1, 2 ..
inline ScoreTable table_of(const std::vector<std::vector<double>>& rows) {
  ScoreTable table;
  for (size_t seed = 0; seed < rows.front().size(); ++seed) table.seeds.push_back(static_cast<int64_t>(seed) + 1);
  for (const auto& values : rows) {
    const std::string unit = text("u", table.rows.size());
    table.rows.push_back({unit, unit, values});
  }
  return table;
}

inline ScoreTable table_of(const ConfigNode& rows) {
  std::vector<std::vector<double>> values;
  for (size_t i = 0; i < rows.size(); ++i) values.push_back(numbers(rows.at(i)));
  return table_of(values);
}

inline std::vector<double> differences_of(const ConfigNode& one) {
  const auto a = numbers(one.at("a")), b = numbers(one.at("b"));
  std::vector<double> differences;
  for (size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  return differences;
}

}  // namespace lamina::engine::testing
