// What a study's folder holds, read back: arms, runs, scores, curves.
#pragma once

#include "engine/ablate/study.hpp"
#include "engine/evaluate/evaluation.hpp"
#include "engine/run/number_columns.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

struct RunData {
  int64_t seed = 0;
  std::optional<int64_t> fold;
  RunFolder folder;
  RunStatus status;
  std::vector<MetricRow> rows;  // empty until the run is done
  NumberColumns curves;         // empty where another run trained for this one
  std::string planned;          // the hash of `evaluate` that the plan gives it; "" where there is no plan
};

struct ArmChange {
  std::string path, baseline, arm;
};

struct ArmData {
  std::string name, description;
  std::string against;           // the arm it is compared with; "" for the baseline
  std::filesystem::path origin;  // where relative paths of the experiment start
  ConfigNode experiment;         // resolved, first seed
  std::vector<ArmChange> changes;
  std::vector<RunData> runs;  // by seed
  std::vector<const RunData*> done() const;
  bool stopped_early() const;  // any of its finished runs
};

struct StudyData {
  std::string name, description, baseline;
  std::filesystem::path folder;
  CompareSection compare;
  std::vector<int64_t> seeds;
  std::vector<std::string> warnings;
  std::vector<DroppedArm> dropped;  // by the design
  std::vector<ArmData> arms;        // the baseline first
};

/// DataError when plan.json is missing or damaged.
StudyData read_study_folder(const std::filesystem::path& folder);
/// plan.json alone: the runs know where they lie, and nothing of themselves yet.
StudyData read_study_plan(const std::filesystem::path& folder);
/// Status, scores and curves of a run, from its folder. DataError when a file is damaged.
void read_results(RunData& run);

}  // namespace lamina::engine
