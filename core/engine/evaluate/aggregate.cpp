// Means over cases; nothing that was missed disappears: undefined, missed and hallucinated pairs are counted beside.
#include "engine/evaluate/evaluation.hpp"
#include "engine/statistics/summary.hpp"

#include <cmath>
#include <set>

namespace lamina::engine {
namespace {

using Key = std::pair<std::string, int64_t>;

/// Values of one metric and class, and what was counted beside them.
struct Gathered {
  std::vector<double> values;
  Aggregate counted;

  void add(double value) {
    if (std::isnan(value)) {
      ++counted.undefined;
    } else {
      values.push_back(value);
    }
  }

  void count(const std::string& flag) {
    counted.missed += flag == "missed";
    counted.hallucinated += flag == "hallucinated";
  }

  Aggregate finish() const {
    Aggregate result = counted;
    result.cases = static_cast<int64_t>(values.size());
    result.mean = mean_of(values);
    result.sd = sd_of(values);
    result.median = quantile_of(values, 0.5);
    return result;
  }
};

std::vector<double> defined(const std::vector<double>& values) {
  std::vector<double> result;
  for (const double value : values) {
    if (!std::isnan(value)) result.push_back(value);
  }
  return result;
}

std::vector<std::string> metrics_of(const std::vector<MetricRow>& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.insert(row.metric);
  return {names.begin(), names.end()};
}

}  // namespace

std::string metric_named(const std::vector<std::string>& names, const std::string& wanted) {
  std::string found;
  for (const auto& name : names) {
    if (name == wanted) return name;
    if (!name.starts_with(wanted + "@") && !name.starts_with(wanted + "_")) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

std::map<std::string, double> case_means(const std::vector<MetricRow>& rows, const std::string& metric) {
  const std::string name = metric_named(metrics_of(rows), metric);
  std::map<std::string, std::vector<double>> values;
  for (const auto& row : rows) {
    if (row.metric == name) values[row.case_id].push_back(row.value);
  }
  std::map<std::string, double> means;
  for (const auto& [id, classes] : values) means[id] = mean_of(defined(classes));
  return means;
}

std::map<Key, Aggregate> aggregate(const std::vector<MetricRow>& rows) {
  std::map<Key, Gathered> gathered;
  for (const auto& row : rows) {
    Gathered& one = gathered[{row.metric, row.class_id}];
    one.add(row.value);
    one.count(row.flag);
    gathered[{row.metric, 0}].count(row.flag);
  }
  for (const auto& metric : metrics_of(rows)) {
    for (const auto& [id, mean] : case_means(rows, metric)) gathered[{metric, 0}].add(mean);
  }
  std::map<Key, Aggregate> result;
  for (const auto& [key, one] : gathered) result[key] = one.finish();
  return result;
}

}  // namespace lamina::engine
