// Searches the smallest study whose power suffices.
#include "engine/statistics/precision.hpp"

#include <algorithm>
#include <cmath>

#include <boost/math/distributions/non_central_t.hpp>

namespace lamina::engine {
namespace {

constexpr int64_t kMost = 1000000;

/// Power of the same comparison with other numbers of units and seeds.
double power_with(const MeanDifference& found, double units, double seeds, double alpha) {
  const double by_units = found.unit_part / units, by_seeds = found.seed_part / seeds;
  const double variance = by_units + by_seeds;
  double uncertainty = by_units * by_units / (units - 1);
  if (by_seeds > 0) {
    // One seed has no spread of its own: what is known then comes from other arms, and stays as it is.
    const double more = std::max(1.0, seeds - 1) / std::max(1.0, static_cast<double>(found.seeds - 1));
    uncertainty += by_seeds * by_seeds / (found.seed_df * more);
  }
  return t_power(std::abs(found.mean) / std::sqrt(variance), variance * variance / uncertainty, alpha);
}

/// The smallest number from 2 on that `enough` accepts; it accepts every larger one too. None up to a million.
template <class Enough>
std::optional<int64_t> smallest(const Enough& enough) {
  int64_t too_few = 1, suffices = 2;
  while (!enough(suffices)) {
    if (suffices > kMost) return {};
    too_few = suffices;
    suffices *= 2;
  }
  while (suffices - too_few > 1) {
    const int64_t middle = too_few + (suffices - too_few) / 2;
    (enough(middle) ? suffices : too_few) = middle;
  }
  return suffices;
}

}  // namespace

double t_power(double ncp, double df, double alpha) {
  const double reach = t_quantile(1 - alpha / 2, df);
  if (ncp > 30) return 1;  // beyond any reach that alpha and df of interest have
  if (ncp == 0) return alpha;
  const boost::math::non_central_t_distribution<double> distribution(df, ncp);
  return boost::math::cdf(boost::math::complement(distribution, reach)) + boost::math::cdf(distribution, -reach);
}

Precision precision_of(const MeanDifference& difference, double alpha, double power) {
  const Interval interval = difference.interval(alpha);
  Precision made{(interval.high - interval.low) / 2, {}, {}};
  if (!(std::abs(difference.mean) > 0) || !(difference.unit_part > 0)) return made;
  const auto units = static_cast<double>(difference.units), seeds = static_cast<double>(difference.seeds);
  made.units =
      smallest([&](int64_t n) { return power_with(difference, static_cast<double>(n), seeds, alpha) >= power; });
  if (made.units || difference.seed_part == 0) return made;
  made.seeds =
      smallest([&](int64_t k) { return power_with(difference, units, static_cast<double>(k), alpha) >= power; });
  return made;
}

}  // namespace lamina::engine
