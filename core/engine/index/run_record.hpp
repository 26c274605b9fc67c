// One run as the index keeps it, read from its folder.
#pragma once

#include "engine/evaluate/evaluation.hpp"
#include "engine/report/study_data.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace lamina::engine {

/// Whose run a folder is: what the plan says, or else the folder's name.
struct RunIdentity {
  std::string study, folder, arm;  // folder: its name below the study's
  int64_t seed = 0;
  std::optional<int64_t> fold;
  std::string planned;  // hash of `evaluate` in the plan; "" without one
};

struct RunRecord {
  RunIdentity identity;
  RunStatus status;     // state "damaged" where a file cannot be read
  std::string problem;  // which file, and why
  std::string dataset;
  std::string test_set;  // equal: the same cases with the same references; "" before evaluation
  int64_t cases = 0, iterations = 0;
  std::map<std::pair<std::string, int64_t>, Aggregate> metrics;  // class 0: mean over classes
  std::map<int64_t, std::string> classes;
  NumberColumns curves;
  ConfigNode evaluate;  // the experiment's section; null where it is not known
};

/// "arm-s3-0123abcd" is arm `arm`, seed 3; other names are arms of seed 0.
RunIdentity identity_of_folder(const std::string& study, const std::string& folder);
/// Never throws for what the folder holds: that is the record's `problem`.
RunRecord read_record(const std::filesystem::path& runs, const RunIdentity& identity);

/// Equal for equal cases: ids, classes, and voxels of references.
std::string test_set_of(const std::vector<MetricRow>& rows);

}  // namespace lamina::engine
