// The mean paired difference, with cases and training seeds as chance: standard error, interval, p.
//
// Score of unit c under seed s: y = arm + unit_c + (arm x unit)_c + seed_s + rest_cs. A difference of two arms averaged
// over n units and k seeds then has the variance  unit_part / n + seed_part / k, with the rest in both. The unit part
// is known from n differences; the seed part from k runs an arm only, so it is pooled over all arms of a study (an F
// test guards against arms that are less steady than the rest). docs/decisions/0007 has the figures.
#pragma once

#include "engine/statistics/score_table.hpp"
#include "engine/statistics/summary.hpp"

#include <cstdint>
#include <vector>

namespace lamina::engine {

/// Mean squares of a two-way table units x seeds without replicates, by least squares where cells are undefined.
struct SeedSpread {
  double seeds = 0, seeds_df = 0;  // without gaps: n * variance of the seeds' means
  double rest = 0, rest_df = 0;    // of what unit and seed do not explain
};
/// df of 0 for one seed or fewer than two units with a score.
SeedSpread seed_spread(const ScoreTable& table);
/// F test of the seeds' square against the rest's; 1 where seeds move nothing or there is one only.
double p_of_seeds(const SeedSpread& spread);
/// Mean squares weighted by their degrees of freedom.
SeedSpread pooled(const std::vector<SeedSpread>& spreads);

/// Level of the F test that lets seeds count (Bancroft 1964).
inline constexpr double kSeedsCount = 0.25;

struct MeanDifference {
  double mean = 0;
  double standard_error = 0, df = 0;
  double sd_units = 0;   // of the units' differences, averaged over seeds
  double unit_part = 0;  // variance of one unit's difference, averaged over the seeds
  double seed_part = 0;  // variance of one seed's difference that cases do not explain; 0 where none shows
  double seed_df = 0;    // what seed_part was estimated with
  int64_t units = 0, seeds = 0;

  double p() const;                       ///< two-sided; 1 for no difference at all, NaN without a standard error
  Interval interval(double alpha) const;  ///< mean -+ t * standard error; NaN for fewer than two units
};

/// `difference` has complete rows; `seeds` tells how much seeds move a *difference*: twice an arm's where the arms are
/// trained apart, the difference's own where both use the same trained models.
/// The seed part counts only where it shows.
MeanDifference mean_difference(const ScoreTable& difference, const SeedSpread& seeds);

/// Two-sided p of |t| with df degrees of freedom, and the quantile that alpha leaves outside; df may be any positive
/// number.
double t_two_sided(double t, double df);
double t_quantile(double share, double df);
/// P(F > f).
double f_upper(double f, double df_above, double df_below);

}  // namespace lamina::engine
