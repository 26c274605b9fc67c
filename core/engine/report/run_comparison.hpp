// Any run folders against the first of them, by the rules of a study's report.
#pragma once

#include "engine/report/comparison.hpp"

#include <lamina/plugin/registry.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lamina::engine {

struct RunComparison {
  StudyData study;       // an arm a run, the reference first; `changes` against it
  StudySummary summary;  // points into `study`
  int64_t cases = 0;     // tested by all, with the same references
  std::vector<std::string> dropped, warnings;

  RunComparison() = default;
  RunComparison(RunComparison&&) = default;
  RunComparison(const RunComparison&) = delete;
};

/// Rules are those of the runs' study, or the defaults where they are of several or of none. ConfigError for fewer than
/// two folders and for the same one twice; DataError for a folder without scores, and when no test case is common.
RunComparison compare_runs(const std::vector<std::filesystem::path>& folders, const Registry& registry);

}  // namespace lamina::engine
