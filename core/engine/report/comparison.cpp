// Averages over seeds, then over cases; differences are paired by case and seed.
#include "engine/report/comparison.hpp"

#include "engine/report/arm_scores.hpp"
#include "engine/report/class_scores.hpp"

#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace lamina::engine {
namespace {

std::vector<double> defined_values(const CaseValues& cases) {
  std::vector<double> values;
  for (const auto& [id, value] : cases) {
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
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
  for (auto& [seed, cases] : values_by_seed(runs, metric)) {
    summary.seed_means.push_back(defined_mean(defined_values(cases)));
    seeds.push_back(std::move(cases));
  }
  summary.cases = mean_over_seeds(seeds);
  const auto values = defined_values(summary.cases);
  summary.mean = defined_mean(values);
  summary.median = quantile_of(values, 0.5);
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

/// The scores of all arms that have some, in their order; `which` are their numbers.
std::vector<ArmScores> all_scores(const StudySummary& summary, const std::string& metric, std::vector<size_t>& which) {
  std::vector<ArmScores> scores;
  for (size_t i = 0; i < summary.arms.size(); ++i) {
    if (summary.arms[i].metrics.empty()) continue;
    which.push_back(i);
    scores.push_back(scores_of(*summary.arms[i].arm, metric));
  }
  return scores;
}

/// The arm of its pair, else the baseline.
void set_references(StudySummary& summary) {
  for (auto& arm : summary.arms) {
    for (size_t i = 0; i < summary.arms.size(); ++i) {
      if (summary.arms[i].arm->name == arm.arm->against) arm.reference = i;
    }
  }
}

/// The number in `scores` of the arm that each is compared with; an arm without scores leaves its partner to the first.
std::vector<size_t> references_of(const StudySummary& summary, const std::vector<size_t>& which) {
  std::vector<size_t> references;
  for (const size_t arm : which) {
    const auto found = std::find(which.begin(), which.end(), summary.arms[arm].reference);
    references.push_back(found == which.end() ? 0 : static_cast<size_t>(found - which.begin()));
  }
  return references;
}

/// A training that was cut short is no match for a whole one.
bool is_fair(const StudySummary& summary, size_t arm, size_t other) {
  return !summary.arms[arm].arm->stopped_early() && !summary.arms[other].arm->stopped_early();
}

void add_differences(const CompareSection& compare, const MetricInfo& metric, StudySummary& summary) {
  if (summary.baseline().metrics.empty()) return;
  std::vector<size_t> which;
  const auto scores = all_scores(summary, metric.name, which);
  CompareRules rules = compare.rules();
  if (metric.name != summary.primary().name) rules.margin = 0;  // the margin has the primary metric's unit
  const auto references = references_of(summary, which);
  const auto found = compare_arms(scores, rules, metric.higher_is_better, metric.name, references);
  for (size_t i = 1; i < which.size(); ++i) {
    auto& difference = summary.arms[which[i]].metrics.at(metric.name).difference;
    difference = found[i - 1];
    if (difference && !is_fair(summary, which[i], which[references[i]])) difference->verdict = Verdict::Inconclusive;
  }
}

void add_ranking(const CompareSection& compare, StudySummary& summary) {
  const auto scores = all_scores(summary, summary.primary().name, summary.ranked);
  if (scores.size() < 2) return;
  const CompareRules rules = compare.rules();
  summary.ranking = rank_arms(aligned(scores, rules.unit), summary.primary().higher_is_better, rules.draws, rules.alpha,
                              hash_name("ranking/" + summary.primary().name));
}

/// Every arm against every earlier one. By t intervals: a bootstrap of each pair would take minutes.
void add_pairs(const CompareSection& compare, StudySummary& summary) {
  constexpr size_t kMostArms = 24;
  std::vector<size_t> which;
  const MetricInfo& metric = summary.primary();
  const auto scores = all_scores(summary, metric.name, which);
  if (which.size() < 3 || which.size() > kMostArms) return;
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 1; i < which.size(); ++i) {
    for (size_t k = 0; k < i; ++k) pairs.emplace_back(i, k);
  }
  CompareRules rules = compare.rules();
  rules.interval = "t";
  const auto found = compare_pairs(scores, pairs, rules, metric.higher_is_better, metric.name);
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (!found[i]) continue;
    summary.pairs.push_back({which[pairs[i].first], which[pairs[i].second], *found[i]});
    ArmPair& pair = summary.pairs.back();
    if (!is_fair(summary, pair.variant, pair.reference)) pair.found.verdict = Verdict::Inconclusive;
  }
}

/// Patients, where the study counts groups and some hold several cases.
std::string unit_of(const StudyData& study) {
  if (study.compare.unit == "case") return "case";
  for (const auto& arm : study.arms) {
    for (const auto* run : arm.done()) {
      std::map<std::string, std::set<std::string>> groups;
      for (const auto& row : run->rows) {
        if (!row.group.empty()) groups[row.group].insert(row.case_id);
      }
      for (const auto& [group, cases] : groups) {
        if (cases.size() > 1) return "patient";
      }
    }
  }
  return "case";
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
  set_references(summary);
  for (const auto& metric : summary.metrics) add_differences(study.compare, metric, summary);
  add_ranking(study.compare, summary);
  add_pairs(study.compare, summary);
  summary.unit = unit_of(study);
  for (const auto& arm : study.arms) {
    for (const auto* run : arm.done()) {
      for (const auto& row : run->rows) summary.classes[row.class_id] = row.class_name;
    }
  }
  summarise_classes(study.compare.rules().unit, summary);
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
