// Scores class by class and case by case.
#include "engine/report/class_scores.hpp"

#include "engine/report/arm_scores.hpp"

#include <algorithm>
#include <cmath>

namespace lamina::engine {
namespace {

std::vector<CaseValues> seeds_of(const std::map<int64_t, CaseValues>& by_seed) {
  std::vector<CaseValues> seeds;
  for (const auto& [seed, cases] : by_seed) seeds.push_back(cases);
  return seeds;
}

/// Every case once, however many metrics there are.
void count_flags(const ArmData& arm, int64_t class_id, const std::string& metric, ClassSummary& summary) {
  const auto runs = arm.done();
  for (const auto* run : runs) {
    for (const auto& row : run->rows) {
      if (row.class_id != class_id || row.metric != metric) continue;
      summary.missed += row.flag == "missed" ? 1 : 0;
      summary.hallucinated += row.flag == "hallucinated" ? 1 : 0;
    }
  }
  summary.missed /= static_cast<double>(runs.size());
  summary.hallucinated /= static_cast<double>(runs.size());
}

std::optional<double> mean_difference_of(const ArmScores& arm, const ArmScores& reference, const std::string& unit) {
  const ScoreTable cases = difference_of(arm.cases, reference.cases);
  const double mean = defined_mean((unit == "group" ? by_group(cases) : cases).unit_means());
  return std::isnan(mean) ? std::nullopt : std::optional(mean);
}

}  // namespace

void summarise_classes(const std::string& unit, StudySummary& summary) {
  const std::string& metric = summary.primary().name;
  for (const auto& [class_id, name] : summary.classes) {
    std::vector<ArmScores> scores;
    for (const auto& arm : summary.arms) scores.push_back(scores_of(*arm.arm, metric, class_id));
    for (size_t i = 0; i < summary.arms.size(); ++i) {
      ArmSummary& arm = summary.arms[i];
      if (arm.metrics.empty()) continue;
      ClassSummary& made = arm.classes[class_id];
      made.cases = mean_over_seeds(seeds_of(values_by_seed(arm.arm->done(), metric, class_id)));
      count_flags(*arm.arm, class_id, metric, made);
      if (arm.reference != i) made.difference = mean_difference_of(scores[i], scores[arm.reference], unit);
    }
  }
}

std::vector<CaseChange> changes_between(const std::map<std::string, double>& before,
                                        const std::map<std::string, double>& after, bool higher_is_better) {
  std::vector<CaseChange> changes;
  for (const auto& [id, value] : after) {
    const auto found = before.find(id);
    if (found == before.end() || std::isnan(found->second) || std::isnan(value)) continue;
    const double difference = value - found->second;
    changes.push_back({id, found->second, value, higher_is_better ? difference : -difference});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const CaseChange& a, const CaseChange& b) { return a.gain < b.gain; });
  return changes;
}

std::vector<CaseChange> case_changes(const StudySummary& study, size_t arm) {
  const size_t reference = study.arms[arm].reference;
  if (reference == arm || study.arms[arm].metrics.empty() || study.arms[reference].metrics.empty()) return {};
  const auto cases_of = [&](size_t which) { return study.arms[which].metrics.at(study.primary().name).cases; };
  return changes_between(cases_of(reference), cases_of(arm), study.primary().higher_is_better);
}

}  // namespace lamina::engine
