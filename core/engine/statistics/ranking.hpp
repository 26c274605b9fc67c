// How stable the order of arms is when seeds and units are drawn again.
#pragma once

#include "engine/statistics/score_table.hpp"

#include <cstdint>
#include <vector>

namespace lamina::engine {

struct RankOfArm {
  double rank = 0;           // 1 is best; on all units and seeds
  double best = 0;           // share of draws in which it ranks first (shared where arms tie)
  double low = 0, high = 0;  // middle 1 - alpha of its ranks
};

struct Ranking {
  std::vector<RankOfArm> arms;
  double tau = 0;      // mean Kendall tau between the order of a draw and the order found
  double tau_low = 0;  // its quantile alpha: in 1 - alpha of the draws the orders agree at least so well
};

/// `arms` are tables of the same units and seeds in the same order; cells that any arm lacks are left out for all.
/// Empty for fewer than two arms. Every draw takes the same seeds and units for all arms.
Ranking rank_arms(const std::vector<ScoreTable>& arms, bool higher_is_better, int64_t draws, double alpha,
                  uint64_t seed);

}  // namespace lamina::engine
