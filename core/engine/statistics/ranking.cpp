// Ranks of means under the hierarchical bootstrap.
#include "engine/statistics/ranking.hpp"

#include "engine/statistics/bootstrap.hpp"
#include "engine/statistics/effects.hpp"
#include "engine/statistics/paired_tests.hpp"

#include <lamina/base/random.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lamina::engine {
namespace {

/// Scores of all arms side by side, so that a draw reads them in one go; lower is better.
class CellsOfArms {
 public:
  CellsOfArms(const std::vector<ScoreTable>& arms, bool higher_is_better) : arms_(arms.size()) {
    units_ = arms.front().units(), seeds_ = arms.front().seeds.size();
    for (size_t unit = 0; unit < units_; ++unit) {
      for (size_t seed = 0; seed < seeds_; ++seed) {
        bool complete = true;
        for (const auto& arm : arms) {
          const double value = arm.rows[unit].values[seed];
          complete &= std::isfinite(value);
          values_.push_back(higher_is_better ? -value : value);
        }
        complete_.push_back(complete);
      }
    }
  }

  /// Midranks of the arms' means over the cells drawn; empty where no drawn cell is complete.
  std::vector<double> ranks(const Resample& drawn) const {
    std::vector<double> sums(arms_, 0);
    bool any = false;
    for (const size_t unit : drawn.units) {
      for (const size_t seed : drawn.seeds) {
        const size_t cell = unit * seeds_ + seed;
        if (!complete_[cell]) continue;
        any = true;
        for (size_t arm = 0; arm < arms_; ++arm) sums[arm] += values_[cell * arms_ + arm];
      }
    }
    return any ? midranks(sums) : std::vector<double>{};
  }

  Resample everything() const {
    Resample all{std::vector<size_t>(seeds_), std::vector<size_t>(units_)};
    std::iota(all.seeds.begin(), all.seeds.end(), size_t{0});
    std::iota(all.units.begin(), all.units.end(), size_t{0});
    return all;
  }
  size_t units() const { return units_; }
  size_t seeds() const { return seeds_; }

 private:
  size_t arms_, units_, seeds_;
  std::vector<double> values_;  // [unit][seed][arm]
  std::vector<bool> complete_;
};

/// Who is first, shared by those that tie.
void count_best(const std::vector<double>& ranks, std::vector<RankOfArm>& arms) {
  const double first = *std::min_element(ranks.begin(), ranks.end());
  const auto sharing = static_cast<double>(std::count(ranks.begin(), ranks.end(), first));
  for (size_t arm = 0; arm < ranks.size(); ++arm) arms[arm].best += ranks[arm] == first ? 1 / sharing : 0;
}

}  // namespace

Ranking rank_arms(const std::vector<ScoreTable>& arms, bool higher_is_better, int64_t draws, double alpha,
                  uint64_t seed) {
  if (arms.size() < 2 || arms.front().units() == 0 || arms.front().seeds.empty()) return {};
  const CellsOfArms cells(arms, higher_is_better);
  const auto found = cells.ranks(cells.everything());
  if (found.empty()) return {};
  Ranking ranking;
  ranking.arms.resize(arms.size());
  std::vector<std::vector<double>> drawn_ranks(arms.size());
  std::vector<double> taus;
  Random random(seed, {hash_name("ranking")});
  Resample drawn;
  for (int64_t i = 0; i < draws; ++i) {
    draw(random, cells.seeds(), cells.units(), drawn);
    const auto ranks = cells.ranks(drawn);
    if (ranks.empty()) continue;
    count_best(ranks, ranking.arms);
    for (size_t arm = 0; arm < arms.size(); ++arm) drawn_ranks[arm].push_back(ranks[arm]);
    const double tau = kendall_tau(ranks, found);
    if (!std::isnan(tau)) taus.push_back(tau);
  }
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    const Interval middle = percentile_interval(drawn_ranks[arm], alpha);
    ranking.arms[arm].rank = found[arm];
    ranking.arms[arm].best /= static_cast<double>(drawn_ranks[arm].size());
    ranking.arms[arm].low = middle.low, ranking.arms[arm].high = middle.high;
  }
  ranking.tau = mean_of(taus);
  ranking.tau_low = quantile_of(taus, alpha);
  return ranking;
}

}  // namespace lamina::engine
