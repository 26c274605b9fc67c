// How many cases, or seeds, a study would need to see the difference it claims.
#pragma once

#include "engine/statistics/mean_test.hpp"

#include <cstdint>
#include <optional>

namespace lamina::engine {

/// Power of the two-sided t test with noncentrality |ncp|.
double t_power(double ncp, double df, double alpha);

struct Precision {
  double half_width = 0;         // of the interval as it is
  std::optional<int64_t> units;  // with the seeds there are; none where no number of units does
  std::optional<int64_t> seeds;  // a run more of each arm, with the units there are; asked where `units` is none
};
/// For an interval of level alpha, and a difference as large as the observed one seen in `power` of all repetitions.
Precision precision_of(const MeanDifference& difference, double alpha, double power = 0.8);

}  // namespace lamina::engine
