// Compares arms with their baseline.
#include "engine/statistics/verdict.hpp"

#include "engine/statistics/bootstrap.hpp"
#include "engine/statistics/paired_tests.hpp"

#include <lamina/base/random.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lamina::engine {
namespace {

/// What a comparison needs of one arm by itself.
struct PreparedArm {
  ScoreTable units;
  SeedSpread spread;
};

ScoreTable in_units(const ScoreTable& cases, const CompareRules& rules) {
  return rules.unit == "group" ? by_group(cases) : cases;
}

PreparedArm prepare(const ArmScores& arm, const CompareRules& rules) {
  PreparedArm made{in_units(arm.cases, rules), {}};
  made.spread = seed_spread(made.units);
  return made;
}

/// Twice an arm's: a difference of two arms trained apart moves with the seeds of both.
SeedSpread doubled(SeedSpread spread) {
  spread.seeds *= 2;
  spread.rest *= 2;
  return spread;
}

/// The pool of all arms, unless these two are clearly less steady than the others, or clearly move with their seeds
/// where the pool, with other arms' noise in it, does not show that anything does.
SeedSpread spread_of_pair(const std::vector<PreparedArm>& arms, size_t variant, size_t reference) {
  constexpr double kClearly = 0.01;
  std::vector<SeedSpread> others;
  for (size_t i = 0; i < arms.size(); ++i) {
    if (i != variant && i != reference) others.push_back(arms[i].spread);
  }
  const SeedSpread pair = pooled({arms[reference].spread, arms[variant].spread}), rest = pooled(others);
  const SeedSpread all = pooled({pair, rest});
  const bool comparable = rest.seeds_df > 0 && rest.seeds > 0 && pair.seeds_df > 0 && pair.seeds > 0;
  const bool unsteady = comparable && f_upper(pair.seeds / rest.seeds, pair.seeds_df, rest.seeds_df) < kClearly;
  const bool hidden = p_of_seeds(pair) < kClearly && p_of_seeds(all) >= kSeedsCount;
  return doubled(unsteady || hidden ? pair : all);
}

Interval interval_of(const ArmComparison& made, const ScoreTable& difference, const CompareRules& rules,
                     uint64_t seed) {
  if (rules.interval == "t" || difference.units() < 2) return made.difference.interval(rules.alpha);
  const auto means = bootstrap_means(difference, rules.draws, seed);
  return rules.interval == "bca" ? bca_interval(difference, means, rules.alpha)
                                 : percentile_interval(means, rules.alpha);
}

/// The values of `variant` and `baseline` where a difference exists, averaged over the shared seeds.
double delta_of_arms(const ScoreTable& variant, const ScoreTable& baseline) {
  return cliffs_delta(defined_of(variant.unit_means()), defined_of(baseline.unit_means()));
}

double p_of(const ArmComparison& made, const std::string& test) {
  if (test == "t") return made.p_mean;
  return test == "sign_flip" ? made.p_sign_flip : made.p_wilcoxon;
}

ArmComparison compare(const std::vector<ArmScores>& arms, const std::vector<PreparedArm>& prepared, size_t variant,
                      size_t reference, const ScoreTable& cases, const CompareRules& rules, bool higher_is_better,
                      uint64_t seed) {
  ArmComparison made;
  const ScoreTable paired = in_units(cases, rules), difference = complete_rows(paired, made.filled);
  const bool same_models = !arms[variant].training.empty() && arms[variant].training == arms[reference].training;
  made.difference =
      mean_difference(difference, same_models ? seed_spread(paired) : spread_of_pair(prepared, variant, reference));
  for (const auto& row : cases.rows) made.dropped += defined_of(row.values).empty();
  const auto units = difference.unit_means();
  made.median = quantile_of(units, 0.5);
  made.sd = made.difference.sd_units;
  made.seed_means = difference.seed_means();
  made.interval = interval_of(made, difference, rules, seed);
  made.p_mean = made.difference.p();
  made.p_wilcoxon = wilcoxon(units, rules.test == "pratt" ? Zeros::Pratt : Zeros::Wilcox).p;
  made.p_sign_flip = sign_flip(units, rules.draws, seed);
  made.p = p_of(made, rules.test);
  made.rank_biserial = rank_biserial(units);
  made.cliffs_delta = delta_of_arms(prepared[variant].units, prepared[reference].units);
  made.counts = count_wins(units, higher_is_better);
  return made;
}

/// One number per comparison that exists, corrected over all of them.
template <class Read, class Write>
void correct(std::vector<std::optional<ArmComparison>>& all, const CompareRules& rules, const Read& read,
             const Write& write) {
  std::vector<double> p;
  for (const auto& one : all) p.push_back(one ? read(*one) : std::numeric_limits<double>::quiet_NaN());
  if (rules.correction == "holm") p = holm(p);
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i]) write(*all[i], p[i]);
  }
}

Verdict verdict_of(const ArmComparison& made, const CompareRules& rules, bool higher_is_better) {
  const Interval& interval = made.interval;
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return Verdict::Inconclusive;
  if (interval.low >= -rules.margin && interval.high <= rules.margin) return Verdict::Equivalent;
  const bool leaves_zero_out = interval.low > 0 || interval.high < 0;
  if (!leaves_zero_out || !(made.p_corrected <= rules.alpha) || !(made.p_mean_corrected <= rules.alpha)) {
    return Verdict::Inconclusive;
  }
  return (made.difference.mean > 0) == higher_is_better ? Verdict::Better : Verdict::Worse;
}

}  // namespace

std::string verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::Better:
      return "better";
    case Verdict::Worse:
      return "worse";
    case Verdict::Equivalent:
      return "equivalent";
    default:
      return "inconclusive";
  }
}

std::vector<std::optional<ArmComparison>> compare_pairs(const std::vector<ArmScores>& arms,
                                                        const std::vector<std::pair<size_t, size_t>>& pairs,
                                                        const CompareRules& rules, bool higher_is_better,
                                                        const std::string& metric) {
  std::vector<std::optional<ArmComparison>> all;
  std::vector<PreparedArm> prepared;
  for (const auto& arm : arms) prepared.push_back(prepare(arm, rules));
  for (const auto& [variant, reference] : pairs) {
    all.emplace_back();
    const ScoreTable cases = difference_of(arms[variant].cases, arms[reference].cases);
    if (reference == variant || cases.seeds.empty() || cases.rows.empty()) continue;
    const uint64_t seed = hash_name(arms[variant].name + "/" + metric);
    all.back() = compare(arms, prepared, variant, reference, cases, rules, higher_is_better, seed);
  }
  correct(
      all, rules, [](const ArmComparison& one) { return one.p; },
      [](ArmComparison& one, double p) { one.p_corrected = p; });
  correct(
      all, rules, [](const ArmComparison& one) { return one.p_mean; },
      [](ArmComparison& one, double p) { one.p_mean_corrected = p; });
  for (auto& one : all) {
    if (one) one->verdict = verdict_of(*one, rules, higher_is_better);
  }
  return all;
}

std::vector<std::optional<ArmComparison>> compare_arms(const std::vector<ArmScores>& arms, const CompareRules& rules,
                                                       bool higher_is_better, const std::string& metric,
                                                       const std::vector<size_t>& against) {
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 1; i < arms.size(); ++i) pairs.emplace_back(i, against.empty() ? 0 : against[i]);
  return compare_pairs(arms, pairs, rules, higher_is_better, metric);
}

}  // namespace lamina::engine
