// The best of everything that was evaluated. Scores of different test cases are never put into one table.
#pragma once

#include "engine/index/run_index.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace lamina::engine {

/// Arm: an arm over its seeds and folds. Study: the best arm of each.
enum class LeaderGroup { Arm, Run, Study };

struct LeaderQuery {
  std::string metric = "dice";  // as metric_named(): "nsd" for "nsd@1mm"
  LeaderGroup group = LeaderGroup::Arm;
  std::string study, dataset;                         // "": all
  size_t limit = std::numeric_limits<size_t>::max();  // of each table
};

struct LeaderEntry {
  std::string study, arm, run;  // run: its folder, where the entry is one run
  double mean = 0, sd = 0;      // over seeds; sd is NaN for one seed
  int64_t runs = 0, seeds = 0, cases = 0, undefined = 0;
  int64_t parameters_trainable = 0, parameters_total = 0;
  double train_seconds = 0;  // mean over runs
  bool uses_ground_truth = false;
};

/// Entries that may be compared: of one dataset and the same test cases with the same references.
struct LeaderTable {
  std::string dataset, test_set;
  int64_t cases = 0;
  std::vector<LeaderEntry> entries;  // the best first
  size_t left_out = 0;               // beyond the limit
};

struct Leaderboard {
  std::string metric, unit;
  bool higher_is_better = true;
  std::vector<LeaderTable> tables;    // the one with the most entries first
  std::vector<std::string> warnings;  // damaged runs; several test sets
};

/// ConfigError with the nearest name for a study, dataset or metric that is not there, and for a metric whose
/// direction nobody knows.
Leaderboard leaderboard(RunIndex& index, const LeaderQuery& query);

}  // namespace lamina::engine
