// A study: a baseline, arms that differ from it by overrides, seeds; one run folder per (arm, seed).
#pragma once

#include "engine/experiment/experiment.hpp"
#include "engine/run/run_folder.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

struct Arm {
  std::string name, description;
  std::vector<Override> overrides;      // on top of the baseline
  std::string experiment;               // another experiment instead of the baseline; "" = the baseline
};

struct Study {
  std::string name, description;
  std::filesystem::path folder;         // of the file
  std::string baseline;                 // name of the baseline arm (the first)
  std::vector<Arm> arms;                // the baseline first
  std::vector<int64_t> seeds{1};
  ConfigNode compare;                   // primary, secondary, bootstrap draws, alpha
  /// `overrides` apply to every arm. Every problem of every arm in one ConfigError.
  static Study load(const std::string& what, const std::vector<Override>& overrides, const Registry& registry);
  Experiment experiment(const Arm& arm, int64_t seed, const Registry& registry) const;
  std::vector<Override> everywhere;
  ConfigNode baseline_node;             // inline baseline; null when the baseline is a file
  std::string baseline_file;
};

/// One (arm, seed): its experiment, hashes and folder.
struct Cell {
  std::string arm;
  int64_t seed = 0;
  std::filesystem::path run;
  StageHashes hashes;
};

struct StudyResult {
  std::vector<Cell> cells;
  std::vector<std::string> failures;  // "arm s1: reason"
  std::filesystem::path folder, report;
};

/// Runs what is not done yet; a failed run is reported and the rest goes on. Writes plan.json, results.csv, stats.json and
/// report.html into runs_root/<study>/. Throws Interrupted with state saved.
StudyResult run_study(const Study& study, const std::filesystem::path& runs_root, const Registry& registry);

/// Trains, predicts the test set and evaluates one experiment in its run folder: what `ablate` does per cell.
void run_cell(const Experiment& experiment, const RunFolder& folder, const std::filesystem::path& cache, const Registry& registry);

}  // namespace lamina::engine
