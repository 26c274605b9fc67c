// Means and the percentile bootstrap over units.
#include "engine/ablate/statistics.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace lamina::engine {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return kUndefined;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sd_of(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double quantile_of(std::vector<double> values, double share) {
  if (values.empty()) return kUndefined;
  const double index = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(index);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), nth, values.end());
  const double low = *nth, part = index - static_cast<double>(below);
  if (part == 0) return low;
  return low + (*std::min_element(nth + 1, values.end()) - low) * part;
}

Interval percentile_interval(const std::vector<double>& values, double alpha) {
  return {quantile_of(values, alpha / 2), quantile_of(values, 1 - alpha / 2)};
}

std::vector<double> bootstrap_means(const std::vector<double>& values, int64_t draws, uint64_t seed) {
  Random random(seed, {hash_name("bootstrap")});
  const auto last = static_cast<int64_t>(values.size()) - 1;
  std::vector<double> means;
  for (int64_t draw = 0; draw < draws; ++draw) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[static_cast<size_t>(random.integer(0, last))];
    means.push_back(sum / static_cast<double>(values.size()));
  }
  return means;
}

PairedDifference paired_difference(const std::vector<double>& variant, const std::vector<double>& baseline,
                                   int64_t draws, double alpha, uint64_t seed) {
  if (variant.size() != baseline.size()) {
    throw Error(
        text("paired difference of ", variant.size(), " and ", baseline.size(), " values; both need the same units"));
  }
  std::vector<double> differences;
  for (size_t i = 0; i < variant.size(); ++i) {
    const double difference = variant[i] - baseline[i];
    if (std::isfinite(difference)) differences.push_back(difference);
  }
  PairedDifference result;
  result.pairs = static_cast<int64_t>(differences.size());
  result.dropped = static_cast<int64_t>(variant.size()) - result.pairs;
  result.mean = mean_of(differences);
  result.sd = sd_of(differences);
  result.interval = {kUndefined, kUndefined};
  if (result.pairs > 1) result.interval = percentile_interval(bootstrap_means(differences, draws, seed), alpha);
  return result;
}

}  // namespace lamina::engine
