// What the parts of a split share, and the words for it.
#pragma once

#include <lamina/data/dataset.hpp>

#include <string>
#include <vector>

namespace lamina::engine {

/// Two parts of a split that share cases, or patients by different cases.
struct SplitOverlap {
  Split first = Split::Train, second = Split::Test;
  std::vector<std::string> cases;     ///< in both
  std::vector<std::string> patients;  ///< in both, and not by these cases

  /// "validation and test intersect: 12 cases; the chosen checkpoint has seen them"
  std::vector<std::string> sentences() const;
};

/// Overlapping pairs only: train with test, train with validation, validation with test.
std::vector<SplitOverlap> split_overlaps(const Dataset& dataset);

/// All their sentences: for logs and reports.
std::vector<std::string> split_warnings(const Dataset& dataset);

/// Cases that no part has: a preset, a file of splits or a label budget left them out.
std::vector<std::string> unused_cases(const Dataset& dataset);

}  // namespace lamina::engine
