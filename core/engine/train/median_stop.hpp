// The median rule: a run that is behind most others at the same epoch ends there (Golovin et al., Google Vizier, 2017).
#pragma once

#include "engine/experiment/options.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

/// Compares the best validation score so far with the best so far of other runs. Which ones those are is the caller's
/// choice; as long as they do not change, the rule says the same again.
class MedianStop {
 public:
  /// Fewer curves than this say nothing.
  static constexpr size_t kFewest = 3;

  /// `curves`: curves.csv of finished runs; those without the deciding column are left out.
  MedianStop(const TrainSection& section, const std::vector<std::filesystem::path>& curves);

  /// Why to stop after this epoch (from 1) with this best score; "" to go on.
  std::string reason(int64_t epoch, double best) const;

 private:
  using Curve = std::map<int64_t, double>;  // epoch -> best score up to there
  bool improves(double score, double best) const { return lower_is_better_ ? score < best : score > best; }
  Curve read(const std::filesystem::path& file) const;

  bool active_, lower_is_better_;
  int64_t epochs_, first_;
  std::string column_;
  std::vector<Curve> others_;
};

}  // namespace lamina::engine
