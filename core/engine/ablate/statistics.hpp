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
  Interval interval;  // bootstrap, percentile
  int64_t pairs = 0, dropped = 0;
};

double mean_of(const std::vector<double>& values);  ///< NaN for none
double sd_of(const std::vector<double>& values);    ///< n - 1; 0 for fewer than two

/// Linear between order statistics, index share * (n - 1), as numpy does; NaN for none.
double quantile_of(std::vector<double> values, double share);
/// The middle 1 - alpha of the values: quantiles alpha / 2 and 1 - alpha / 2.
Interval percentile_interval(const std::vector<double>& values, double alpha);
/// Means of `draws` samples of values.size() values each, drawn with replacement.
std::vector<double> bootstrap_means(const std::vector<double>& values, int64_t draws, uint64_t seed);

/// variant - baseline per unit (case, averaged over seeds); pairs with an undefined side are dropped and counted.
/// Seeded, so reproducible. Without a pair mean and interval are NaN; one pair has no interval either.
PairedDifference paired_difference(const std::vector<double>& variant, const std::vector<double>& baseline,
                                   int64_t draws, double alpha, uint64_t seed);

}  // namespace lamina::engine
