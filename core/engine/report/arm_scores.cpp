// Gathers scores from the rows of metrics.csv.
#include "engine/report/arm_scores.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <iterator>
#include <limits>

namespace lamina::engine {
namespace {

std::vector<MetricRow> rows_of_class(const std::vector<MetricRow>& rows, int64_t class_id) {
  std::vector<MetricRow> chosen;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(chosen),
               [&](const MetricRow& row) { return row.class_id == class_id; });
  return chosen;
}

/// Same text: the same trained models, seed by seed. "" where a run does not say.
std::string training_of(const std::vector<const RunData*>& runs) {
  std::string training;
  for (const auto* run : runs) {
    if (run->status.hashes.train.empty()) return "";
    training += text(run->seed, " ", run->fold.value_or(0), " ", run->status.hashes.train, " ");
  }
  return training;
}

}  // namespace

double defined_mean(const std::vector<double>& values) { return mean_of(defined_of(values)); }

std::map<int64_t, CaseValues> values_by_seed(const std::vector<const RunData*>& runs, const std::string& metric,
                                             OneClass class_id) {
  std::map<int64_t, std::map<std::string, std::vector<double>>> gathered;
  for (const auto* run : runs) {
    for (const auto& [id, value] : case_means(class_id ? rows_of_class(run->rows, *class_id) : run->rows, metric))
      gathered[run->seed][id].push_back(value);
  }
  std::map<int64_t, CaseValues> seeds;
  for (const auto& [seed, cases] : gathered) {
    for (const auto& [id, values] : cases) seeds[seed][id] = defined_mean(values);
  }
  return seeds;
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

ArmScores scores_of(const ArmData& arm, const std::string& metric, OneClass class_id) {
  const auto runs = arm.done();
  std::map<std::string, std::string> groups;
  for (const auto* run : runs) {
    for (const auto& row : run->rows) groups[row.case_id] = row.group.empty() ? row.case_id : row.group;
  }
  const auto seeds = values_by_seed(runs, metric, class_id);
  ArmScores scores{arm.name, {}, training_of(runs)};
  for (const auto& [seed, cases] : seeds) scores.cases.seeds.push_back(seed);
  for (const auto& [id, group] : groups) {
    ScoreRow row{id, group, {}};
    for (const auto& [seed, cases] : seeds) {
      const auto found = cases.find(id);
      row.values.push_back(found == cases.end() ? std::numeric_limits<double>::quiet_NaN() : found->second);
    }
    scores.cases.rows.push_back(std::move(row));
  }
  return scores;
}

std::vector<ScoreTable> aligned(const std::vector<ArmScores>& scores, const std::string& unit) {
  ScoreTable zeros = scores.front().cases;
  for (const auto& arm : scores) {  // seeds that all have
    std::erase_if(zeros.seeds, [&](int64_t seed) {
      return std::find(arm.cases.seeds.begin(), arm.cases.seeds.end(), seed) == arm.cases.seeds.end();
    });
  }
  for (auto& row : zeros.rows) row.values.assign(zeros.seeds.size(), 0);
  std::vector<ScoreTable> tables;
  for (const auto& arm : scores) {
    const ScoreTable cases = difference_of(arm.cases, zeros);
    tables.push_back(unit == "group" ? by_group(cases) : cases);
  }
  return tables;
}

}  // namespace lamina::engine
