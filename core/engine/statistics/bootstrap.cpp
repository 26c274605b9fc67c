// Draws resamples; percentile and BCa intervals.
#include "engine/statistics/bootstrap.hpp"

#include <lamina/base/random.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/distributions/normal.hpp>

namespace lamina::engine {
namespace {

const boost::math::normal_distribution<double> kNormal(0, 1);

/// Sums of cubes and squares of a sample's influence on its mean, scaled as for several samples at once.
struct Influence {
  double cubes = 0, squares = 0;

  /// Leaving value i out moves the mean by (mean - value_i) / (n - 1).
  void add(const std::vector<double>& sample) {
    const auto n = static_cast<double>(sample.size());
    const double mean = mean_of(sample);
    for (const double value : sample) {
      const double one = (value - mean) / n;
      cubes += one * one * one;
      squares += one * one;
    }
  }
  double acceleration() const { return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0; }
};

}  // namespace

void draw(Random& random, size_t seeds, size_t units, Resample& made) {
  made.seeds.resize(seeds);
  made.units.resize(units);
  const auto any_of = [&](size_t count) {
    return static_cast<size_t>(random.integer(0, static_cast<int64_t>(count) - 1));
  };
  for (auto& seed : made.seeds) seed = seeds == 1 ? 0 : any_of(seeds);
  for (auto& unit : made.units) unit = any_of(units);
}

std::vector<double> bootstrap_means(const ScoreTable& table, int64_t draws, uint64_t seed) {
  Random random(seed, {hash_name("bootstrap")});
  Resample made;
  std::vector<double> means;
  means.reserve(static_cast<size_t>(draws));
  const double cells = static_cast<double>(table.units() * table.seeds.size());
  for (int64_t i = 0; i < draws; ++i) {
    draw(random, table.seeds.size(), table.units(), made);
    double sum = 0;
    for (const size_t unit : made.units) {
      const auto& values = table.rows[unit].values;
      for (const size_t one : made.seeds) sum += values[one];
    }
    means.push_back(sum / cells);
  }
  return means;
}

Interval percentile_interval(const std::vector<double>& values, double alpha) {
  return {quantile_of(values, alpha / 2), quantile_of(values, 1 - alpha / 2)};
}

Interval bca_interval(const ScoreTable& table, const std::vector<double>& means, double alpha) {
  const auto units = table.unit_means();
  const double mean = mean_of(units);
  const double noise = 1e-12 * std::max(1.0, std::abs(mean));  // sums of the same numbers in another order
  double below = 0;                                            // a draw that equals the mean is half below it
  bool moves = false;
  for (const double value : means) {
    const bool equal = std::abs(value - mean) <= noise;
    below += equal ? 0.5 : value < mean ? 1 : 0;
    moves |= !equal;
  }
  if (!moves) return {mean, mean};
  const double share = below / static_cast<double>(means.size());
  if (share <= 0 || share >= 1) {
    const double none = std::numeric_limits<double>::quiet_NaN();
    return {none, none};
  }
  Influence influence;
  influence.add(units);
  if (table.seeds.size() > 1) influence.add(table.seed_means());
  const double bias = boost::math::quantile(kNormal, share), acceleration = influence.acceleration();
  const auto end = [&](double level) {
    const double shifted = bias + boost::math::quantile(kNormal, level);
    return quantile_of(means, boost::math::cdf(kNormal, bias + shifted / (1 - acceleration * shifted)));
  };
  return {end(alpha / 2), end(1 - alpha / 2)};
}

}  // namespace lamina::engine
