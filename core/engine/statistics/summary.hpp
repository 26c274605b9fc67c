// Means, spreads and quantiles of plain lists.
#pragma once

#include <vector>

namespace lamina::engine {

struct Interval {
  double low = 0, high = 0;
};

double mean_of(const std::vector<double>& values);  ///< NaN for none
double sd_of(const std::vector<double>& values);    ///< n - 1; 0 for fewer than two

/// Linear between order statistics, index share * (n - 1), as numpy does; NaN for none.
double quantile_of(std::vector<double> values, double share);
/// What is not NaN, in its order.
std::vector<double> defined_of(const std::vector<double>& values);

}  // namespace lamina::engine
