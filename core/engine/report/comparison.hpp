// The numbers of a study: every arm by itself and against the baseline.
#pragma once

#include "engine/report/study_data.hpp"
#include "engine/statistics/ranking.hpp"
#include "engine/statistics/verdict.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

struct MetricInfo {
  std::string name, unit, meaning;  // meaning: from the component's summary, with its options
  bool higher_is_better = true;
};

/// One metric of one arm. A case's value is the mean over its classes, averaged over seeds.
struct MetricSummary {
  std::map<std::string, double> cases;
  double mean = 0, median = 0, sd_cases = 0, sd_seeds = 0;
  std::vector<double> seed_means;
  std::optional<ArmComparison> difference;  // to the baseline; none for the baseline itself
  std::map<int64_t, double> classes;        // class -> mean over cases and seeds
};

/// One class of one arm, in the primary metric.
struct ClassSummary {
  std::map<std::string, double> cases;  // averaged over seeds
  std::optional<double> difference;     // mean, paired by case and seed, to the arm's reference
  double missed = 0, hallucinated = 0;  // cases, mean over seeds
};

struct ArmSummary {
  const ArmData* arm = nullptr;
  size_t reference = 0;                          // the arm it is compared with; itself for the baseline
  std::map<std::string, MetricSummary> metrics;  // empty until a run is done
  std::map<int64_t, ClassSummary> classes;
  double missed = 0, hallucinated = 0;                // (case, class) pairs, mean over seeds
  int64_t trainable = 0, total = 0, peak_memory = 0;  // memory: the largest of the runs
  double train_seconds = 0, seconds_per_case = 0;     // means over runs
  bool uses_ground_truth = false;
};

/// Two arms that need not be those of a comparison with the baseline.
struct ArmPair {
  size_t variant = 0, reference = 0;
  ArmComparison found;
};

struct StudySummary {
  std::vector<MetricInfo> metrics;  // the primary first
  bool primary_found = true;        // false: the study's primary metric was not evaluated
  std::map<int64_t, std::string> classes;
  std::vector<ArmSummary> arms;
  size_t best = 0;  // of the arms that have results
  int64_t cases = 0;
  std::string unit = "case";   // or "patient", where groups hold several cases and count once
  Ranking ranking;             // by the primary metric, of `ranked`
  std::vector<size_t> ranked;  // arms that have results
  std::vector<ArmPair> pairs;  // by the primary metric, corrected over all of them; none for very many arms
  const MetricInfo& primary() const { return metrics.front(); }
  const ArmSummary& baseline() const { return arms.front(); }
};

/// Every done run scored as its metrics.csv says. `metrics` tells units and directions.
StudySummary summarise(const StudyData& study, std::vector<MetricInfo> metrics);

}  // namespace lamina::engine
