// Variance components of units and seeds, and Student's t with Satterthwaite's degrees of freedom.
#include "engine/statistics/mean_test.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace lamina::engine {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double square(double value) { return value * value; }

/// What unit means leave of the defined cells.
double squares_around_units(const ScoreTable& table) {
  double squares = 0;
  for (const auto& row : table.rows) {
    const auto values = defined_of(row.values);
    const double mean = mean_of(values);
    for (const double value : values) squares += square(value - mean);
  }
  return squares;
}

/// What unit and seed together leave; filled cells have no residual.
double squares_around_fit(const ScoreTable& complete) {
  const auto units = complete.unit_means(), seeds = complete.seed_means();
  const double mean = mean_of(units);
  double squares = 0;
  for (size_t c = 0; c < complete.rows.size(); ++c) {
    for (size_t s = 0; s < seeds.size(); ++s) {
      squares += square(complete.rows[c].values[s] - units[c] - seeds[s] + mean);
    }
  }
  return squares;
}

}  // namespace

double t_two_sided(double t, double df) {
  const boost::math::students_t_distribution<double> distribution(df);
  return 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(t)));
}

double t_quantile(double share, double df) {
  return boost::math::quantile(boost::math::students_t_distribution<double>(df), share);
}

double f_upper(double f, double df_above, double df_below) {
  const boost::math::fisher_f_distribution<double> distribution(df_above, df_below);
  return boost::math::cdf(boost::math::complement(distribution, f));
}

SeedSpread seed_spread(const ScoreTable& table) {
  int64_t filled = 0;
  const ScoreTable complete = complete_rows(table, filled);
  const auto n = static_cast<double>(complete.units()), k = static_cast<double>(complete.seeds.size());
  if (n < 2 || k < 2) return {};
  const double around_fit = squares_around_fit(complete);
  SeedSpread spread;
  spread.seeds_df = k - 1;
  spread.seeds = std::max(0.0, squares_around_units(table) - around_fit) / spread.seeds_df;
  spread.rest_df = std::max(0.0, (n - 1) * (k - 1) - static_cast<double>(filled));
  spread.rest = spread.rest_df > 0 ? around_fit / spread.rest_df : 0;
  return spread;
}

double p_of_seeds(const SeedSpread& spread) {
  if (spread.seeds_df == 0 || !(spread.seeds > spread.rest)) return 1;
  if (spread.rest == 0 || spread.rest_df == 0) return 0;
  return f_upper(spread.seeds / spread.rest, spread.seeds_df, spread.rest_df);
}

SeedSpread pooled(const std::vector<SeedSpread>& spreads) {
  SeedSpread sum;
  for (const auto& one : spreads) {
    sum.seeds += one.seeds * one.seeds_df, sum.seeds_df += one.seeds_df;
    sum.rest += one.rest * one.rest_df, sum.rest_df += one.rest_df;
  }
  if (sum.seeds_df > 0) sum.seeds /= sum.seeds_df;
  if (sum.rest_df > 0) sum.rest /= sum.rest_df;
  return sum;
}

double MeanDifference::p() const {
  if (std::isnan(standard_error)) return kNone;
  if (standard_error == 0) return mean == 0 ? 1 : 0;
  return t_two_sided(mean / standard_error, df);
}

Interval MeanDifference::interval(double alpha) const {
  if (std::isnan(standard_error)) return {kNone, kNone};
  const double reach = standard_error == 0 ? 0 : t_quantile(1 - alpha / 2, df) * standard_error;
  return {mean - reach, mean + reach};
}

MeanDifference mean_difference(const ScoreTable& difference, const SeedSpread& seeds) {
  const auto units = difference.unit_means();
  MeanDifference made;
  made.units = static_cast<int64_t>(units.size());
  made.seeds = static_cast<int64_t>(difference.seeds.size());
  made.mean = mean_of(units);
  made.sd_units = sd_of(units);
  made.standard_error = kNone;
  if (units.size() < 2) return made;
  const auto n = static_cast<double>(made.units), k = static_cast<double>(made.seeds);
  made.unit_part = square(made.sd_units);
  const double by_units = made.unit_part / n;
  if (p_of_seeds(seeds) >= kSeedsCount) {
    made.standard_error = std::sqrt(by_units);
    made.df = n - 1;
    return made;
  }
  made.seed_part = (seeds.seeds - seeds.rest) / n;
  made.seed_df = seeds.seeds_df;
  const double variance = by_units + made.seed_part / k;
  double uncertainty = square(by_units) / (n - 1) + square(seeds.seeds / (n * k)) / seeds.seeds_df;
  if (seeds.rest_df > 0) uncertainty += square(seeds.rest / (n * k)) / seeds.rest_df;
  made.standard_error = std::sqrt(variance);
  made.df = square(variance) / uncertainty;
  return made;
}

}  // namespace lamina::engine
