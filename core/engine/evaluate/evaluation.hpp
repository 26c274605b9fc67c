// Scores label maps against references, from files or memory; raw states first, the policy for empty masks afterwards.
#pragma once

#include <lamina/data/dataset.hpp>
#include <lamina/objective/metric.hpp>
#include <lamina/options/config_node.hpp>
#include <lamina/plugin/registry.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

/// One row of metrics.csv.
struct MetricRow {
  std::string case_id, group, metric;
  int64_t class_id = 0;
  std::string class_name;
  double value = 0;  // NaN: undefined; the policy is applied already
  Counts counts;
  std::string flag = "ok";  // ok | missed | hallucinated | absent
};

struct Evaluator {
  /// `metrics`: entries ("dice" or {"type": "nsd", ...}); `empty`: nnunet | monai | transunet | strict. ConfigError for
  /// another policy, no metric, or two metrics of one name.
  Evaluator(const std::vector<ConfigNode>& metrics, const std::string& empty, const DatasetInfo& dataset,
            const Registry& registry);
  /// One row per metric and foreground class. DataError when the grids differ (more than 0.1 voxel at a corner).
  std::vector<MetricRow> score(const Volume& prediction, const Case& reference) const;

  std::vector<std::string> names;  // of the metrics, with what tells two of a type apart: "nsd@1mm", "hd95_pooled"
  std::vector<std::string> types;
  std::vector<std::shared_ptr<Metric>> metrics;
  std::string empty;
  DatasetInfo dataset;
};

struct Aggregate {
  double mean = 0, sd = 0, median = 0;   // over cases; NaN skipped and counted
  int64_t cases = 0, undefined = 0;      // cases that went into the mean, and those without a value
  int64_t missed = 0, hallucinated = 0;  // (case, class) pairs
};

/// The name that `wanted` means: itself, or the only name of that type ("nsd" for "nsd@1mm"); "" when there is none or
/// more than one.
std::string metric_named(const std::vector<std::string>& names, const std::string& wanted);

/// Per metric and class (0: mean over classes, per case first), over cases.
std::map<std::pair<std::string, int64_t>, Aggregate> aggregate(const std::vector<MetricRow>& rows);
/// Mean over foreground classes of each case: case id -> value; NaN where no class is defined. `metric` as
/// metric_named().
std::map<std::string, double> case_means(const std::vector<MetricRow>& rows, const std::string& metric);

/// 9 significant digits; undefined values are empty fields.
void write_metrics_csv(const std::filesystem::path& file, const std::vector<MetricRow>& rows);
/// DataError naming file and line when it is no such table.
std::vector<MetricRow> read_metrics_csv(const std::filesystem::path& file);

struct ScoredFiles {
  std::filesystem::path prediction, reference;
};
/// nnU-Net's summary.json shape, with our other metrics beside Dice and IoU. Undefined values are null. Dice and IoU
/// there are nnU-Net's own, from the counts, whatever the policy. `files`: case id -> files; the id stands for unknown
/// ones.
void write_summary(const std::filesystem::path& file, const std::vector<MetricRow>& rows,
                   const std::map<std::string, ScoredFiles>& files = {});

}  // namespace lamina::engine
