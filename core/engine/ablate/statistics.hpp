// Paired statistics over cases.
#pragma once

#include <cstdint>
#include <vector>

namespace lamina::engine {

struct Interval {
  double low = 0, high = 0;
};

struct PairedDifference {
  double mean = 0, sd = 0;
  Interval interval;       // bootstrap, percentile
  int64_t pairs = 0, dropped = 0;
};

double mean_of(const std::vector<double>& values);
double sd_of(const std::vector<double>& values);  ///< n - 1; 0 for fewer than two

/// variant - baseline per unit (case, averaged over seeds); NaN pairs are dropped and counted. Seeded, so reproducible.
PairedDifference paired_difference(const std::vector<double>& variant, const std::vector<double>& baseline, int64_t draws, double alpha, uint64_t seed);

}  // namespace lamina::engine
