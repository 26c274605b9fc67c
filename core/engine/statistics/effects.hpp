// How large and how consistent a difference is, apart from its unit.
#pragma once

#include <cstdint>
#include <vector>

namespace lamina::engine {

/// P(a > b) - P(a < b) for one value of each list: 1 when every a lies above every b. NaN for an empty list.
double cliffs_delta(const std::vector<double>& a, const std::vector<double>& b);
/// (W+ - W-) / (W+ + W-) of the signed ranks of paired differences; 0 when all are zero.
double rank_biserial(const std::vector<double>& differences);
/// Agreement of two orders with ties (tau-b); NaN where a list is constant.
double kendall_tau(const std::vector<double>& a, const std::vector<double>& b);

/// Units by the sign of their difference.
struct WinTieLoss {
  int64_t wins = 0, ties = 0, losses = 0;
};
/// A tie: |difference| <= margin.
WinTieLoss count_wins(const std::vector<double>& differences, bool higher_is_better, double margin = 0);

}  // namespace lamina::engine
