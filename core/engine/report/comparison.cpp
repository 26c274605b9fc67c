// Averages over seeds, then over cases; differences are paired by case.
#include "engine/report/comparison.hpp"

#include <lamina/base/random.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace lamina::engine {
namespace {

using CaseValues = std::map<std::string, double>;

/// Mean of what is defined; NaN where nothing is.
double defined_mean(const std::vector<double>& values) {
  std::vector<double> defined;
  std::copy_if(values.begin(), values.end(), std::back_inserter(defined), [](double v) { return !std::isnan(v); });
  return defined.empty() ? std::numeric_limits<double>::quiet_NaN() : mean_of(defined);
}

std::vector<double> defined_values(const CaseValues& cases) {
  std::vector<double> values;
  for (const auto& [id, value] : cases) {
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

double median_of(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

CaseValues mean_over_seeds(const std::vector<CaseValues>& seeds) {
  std::map<std::string, std::vector<double>> gathered;
  for (const auto& one : seeds) {
    for (const auto& [id, value] : one) gathered[id].push_back(value);
  }
  CaseValues means;
  for (const auto& [id, values] : gathered) means[id] = defined_mean(values);
  return means;
}

std::map<int64_t, double> class_means(const std::vector<const RunData*>& runs, const std::string& metric) {
  std::map<int64_t, std::vector<double>> gathered;
  for (const auto* run : runs) {
    for (const auto& row : run->rows) {
      if (row.metric == metric) gathered[row.class_id].push_back(row.value);
    }
  }
  std::map<int64_t, double> means;
  for (const auto& [class_id, values] : gathered) means[class_id] = defined_mean(values);
  return means;
}

MetricSummary summarise_metric(const std::vector<const RunData*>& runs, const std::string& metric) {
  MetricSummary summary;
  std::vector<CaseValues> seeds;
  for (const auto* run : runs) {
    seeds.push_back(case_means(run->rows, metric));
    summary.seed_means.push_back(defined_mean(defined_values(seeds.back())));
  }
  summary.cases = mean_over_seeds(seeds);
  const auto values = defined_values(summary.cases);
  summary.mean = defined_mean(values);
  summary.median = median_of(values);
  summary.sd_cases = sd_of(values);
  summary.sd_seeds = sd_of(summary.seed_means);
  summary.classes = class_means(runs, metric);
  return summary;
}

/// (case, class) pairs with a flag, each once however many metrics there are.
int64_t count_flag(const RunData& run, const std::string& flag) {
  std::set<std::pair<std::string, int64_t>> seen;
  for (const auto& row : run.rows) {
    if (row.flag == flag) seen.insert({row.case_id, row.class_id});
  }
  return static_cast<int64_t>(seen.size());
}

ArmSummary summarise_arm(const ArmData& arm, const std::vector<MetricInfo>& metrics) {
  ArmSummary summary;
  summary.arm = &arm;
  const auto runs = arm.done();
  if (runs.empty()) return summary;
  for (const auto& metric : metrics) summary.metrics[metric.name] = summarise_metric(runs, metric.name);
  const double share = 1.0 / static_cast<double>(runs.size());
  for (const auto* run : runs) {
    const RunStatus& status = run->status;
    summary.missed += share * static_cast<double>(count_flag(*run, "missed"));
    summary.hallucinated += share * static_cast<double>(count_flag(*run, "hallucinated"));
    summary.train_seconds += share * status.train_seconds;
    summary.seconds_per_case += share * status.seconds_per_case;
    summary.peak_memory = std::max(summary.peak_memory, status.peak_memory_bytes);
    summary.trainable = status.parameters_trainable;
    summary.total = status.parameters_total;
    summary.uses_ground_truth |= status.uses_ground_truth;
  }
  return summary;
}

double value_or_nan(const CaseValues& cases, const std::string& id) {
  const auto found = cases.find(id);
  return found == cases.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

/// Means per case over the seeds that both arms have finished, so that pairs stay pairs.
std::pair<CaseValues, CaseValues> paired_cases(const ArmData& arm, const ArmData& baseline, const std::string& metric,
                                               std::vector<double>& seed_differences) {
  std::vector<CaseValues> ours, theirs;
  for (const auto* run : arm.done()) {
    for (const auto* other : baseline.done()) {
      if (run->seed != other->seed) continue;
      ours.push_back(case_means(run->rows, metric));
      theirs.push_back(case_means(other->rows, metric));
      seed_differences.push_back(defined_mean(defined_values(ours.back())) -
                                 defined_mean(defined_values(theirs.back())));
    }
  }
  return {mean_over_seeds(ours), mean_over_seeds(theirs)};
}

void add_difference(const ArmSummary& arm, const ArmSummary& baseline, const CompareSection& compare,
                    const std::string& metric, MetricSummary& summary) {
  const auto [ours, theirs] = paired_cases(*arm.arm, *baseline.arm, metric, summary.seed_differences);
  if (ours.empty()) return;
  std::vector<double> a, b;
  for (const auto& [id, value] : theirs) {
    a.push_back(value_or_nan(ours, id));
    b.push_back(value);
  }
  const uint64_t seed = hash_name(arm.arm->name + "/" + metric);
  summary.difference = paired_difference(a, b, compare.draws, compare.alpha, seed);
}

size_t best_arm(const StudySummary& study) {
  size_t best = 0;
  double best_value = std::numeric_limits<double>::quiet_NaN();
  for (size_t i = 0; i < study.arms.size(); ++i) {
    if (study.arms[i].metrics.empty()) continue;
    const double value = study.arms[i].metrics.at(study.primary().name).mean;
    const bool better = study.primary().higher_is_better ? value > best_value : value < best_value;
    if (std::isnan(best_value) || better) best = i, best_value = value;
  }
  return best;
}

}  // namespace

StudySummary summarise(const StudyData& study, std::vector<MetricInfo> metrics) {
  StudySummary summary;
  std::vector<std::string> names;
  for (const auto& metric : metrics) names.push_back(metric.name);
  const std::string wanted = metric_named(names, study.compare.primary);
  const auto primary = std::find(names.begin(), names.end(), wanted) - names.begin();
  if (!wanted.empty()) std::rotate(metrics.begin(), metrics.begin() + primary, metrics.begin() + primary + 1);
  summary.primary_found = !wanted.empty();
  summary.metrics = std::move(metrics);
  for (const auto& arm : study.arms) summary.arms.push_back(summarise_arm(arm, summary.metrics));
  for (size_t i = 1; i < summary.arms.size(); ++i) {
    for (auto& [name, metric] : summary.arms[i].metrics) {
      add_difference(summary.arms[i], summary.baseline(), study.compare, name, metric);
    }
  }
  for (const auto& arm : study.arms) {
    for (const auto* run : arm.done()) {
      for (const auto& row : run->rows) summary.classes[row.class_id] = row.class_name;
    }
  }
  summary.best = best_arm(summary);
  for (const auto& arm : summary.arms) {
    if (!arm.metrics.empty()) {
      summary.cases =
          std::max(summary.cases, static_cast<int64_t>(arm.metrics.at(summary.primary().name).cases.size()));
    }
  }
  return summary;
}

}  // namespace lamina::engine
