// Pairs, groups and fills tables of scores.
#include "engine/statistics/score_table.hpp"

#include "engine/statistics/summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace lamina::engine {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double rounded(double difference) { return std::round(difference * 1e9) / 1e9; }

std::vector<double> column_of(const ScoreTable& table, size_t seed) {
  std::vector<double> column;
  for (const auto& row : table.rows) column.push_back(row.values[seed]);
  return column;
}

/// (index in variant, index in baseline) of every seed that both have.
std::vector<std::pair<size_t, size_t>> shared_seeds(const ScoreTable& variant, const ScoreTable& baseline) {
  std::vector<std::pair<size_t, size_t>> shared;
  for (size_t b = 0; b < baseline.seeds.size(); ++b) {
    const auto found = std::find(variant.seeds.begin(), variant.seeds.end(), baseline.seeds[b]);
    if (found != variant.seeds.end()) shared.emplace_back(found - variant.seeds.begin(), b);
  }
  return shared;
}

struct Hole {
  size_t row, seed;
};

std::vector<Hole> holes_of(const ScoreTable& table) {
  std::vector<Hole> holes;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    for (size_t seed = 0; seed < table.seeds.size(); ++seed) {
      if (std::isnan(table.rows[row].values[seed])) holes.push_back({row, seed});
    }
  }
  return holes;
}

/// Alternates between the fit and the cells it fills until nothing moves: the missing cells then have no residual.
void fill_holes(ScoreTable& table, const std::vector<Hole>& holes) {
  const auto starts = table.unit_means();
  for (const auto& hole : holes) table.rows[hole.row].values[hole.seed] = starts[hole.row];
  constexpr int kMostRounds = 1000;
  for (int round = 0; round < kMostRounds; ++round) {
    const auto units = table.unit_means(), seeds = table.seed_means();
    const double mean = mean_of(units);
    double moved = 0;
    for (const auto& hole : holes) {
      double& cell = table.rows[hole.row].values[hole.seed];
      const double fit = units[hole.row] + seeds[hole.seed] - mean;
      moved = std::max(moved, std::abs(fit - cell));
      cell = fit;
    }
    if (moved < 1e-13) return;
  }
}

}  // namespace

std::vector<double> ScoreTable::unit_means() const {
  std::vector<double> means;
  for (const auto& row : rows) means.push_back(mean_of(defined_of(row.values)));
  return means;
}

std::vector<double> ScoreTable::seed_means() const {
  std::vector<double> means;
  for (size_t seed = 0; seed < seeds.size(); ++seed) means.push_back(mean_of(defined_of(column_of(*this, seed))));
  return means;
}

ScoreTable difference_of(const ScoreTable& variant, const ScoreTable& baseline) {
  const auto shared = shared_seeds(variant, baseline);
  std::map<std::string, const ScoreRow*> ours;
  for (const auto& row : variant.rows) ours[row.unit] = &row;
  ScoreTable difference;
  for (const auto& [a, b] : shared) difference.seeds.push_back(baseline.seeds[b]);
  for (const auto& row : baseline.rows) {
    const auto found = ours.find(row.unit);
    ScoreRow made{row.unit, row.group, {}};
    for (const auto& [a, b] : shared) {
      made.values.push_back(found == ours.end() ? kUndefined : rounded(found->second->values[a] - row.values[b]));
    }
    difference.rows.push_back(std::move(made));
  }
  return difference;
}

ScoreTable by_group(const ScoreTable& table) {
  std::map<std::string, std::vector<const ScoreRow*>> groups;
  std::vector<std::string> order;
  for (const auto& row : table.rows) {
    auto& members = groups[row.group];
    if (members.empty()) order.push_back(row.group);
    members.push_back(&row);
  }
  ScoreTable grouped{table.seeds, {}};
  for (const auto& group : order) {
    ScoreRow made{group, group, {}};
    for (size_t seed = 0; seed < table.seeds.size(); ++seed) {
      std::vector<double> values;
      for (const auto* row : groups[group]) values.push_back(row->values[seed]);
      made.values.push_back(mean_of(defined_of(values)));
    }
    grouped.rows.push_back(std::move(made));
  }
  return grouped;
}

ScoreTable complete_rows(const ScoreTable& table, int64_t& filled) {
  ScoreTable complete{table.seeds, {}};
  for (const auto& row : table.rows) {
    if (!defined_of(row.values).empty()) complete.rows.push_back(row);
  }
  const auto holes = holes_of(complete);
  filled = static_cast<int64_t>(holes.size());
  if (!holes.empty()) fill_holes(complete, holes);
  return complete;
}

}  // namespace lamina::engine
