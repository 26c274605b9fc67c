// Is a verdict worth its name? A thousand made-up studies of three seeds and forty cases whose truth is known, judged
// by the code that judges real ones. What moves a difference has case SD 1 and seed SD 1/2; the truth lies at none or
// at two standard errors, which the best test with all variances known would find in 51.6 %.
#include "engine/statistics/bootstrap.hpp"
#include "engine/statistics/verdict.hpp"

#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace lamina::engine::testing {
namespace {

constexpr int kStudies = 1000, kCases = 40, kSeeds = 3;

/// SDs of a difference of two arms.
struct World {
  double cases = 1;    // how differently two arms treat a case
  double seeds = 0.5;  // a run moves all its cases alike
  double rest = 0;     // a run moves every case apart
  double standard_error() const {
    return std::sqrt(cases * cases / kCases + seeds * seeds / kSeeds + rest * rest / (kCases * kSeeds));
  }
};
constexpr World kRunsMove{1, 0.5, 0}, kRunsMoveCasesApart{1, 0, 0.5}, kBoth{1, 0.5, 0.5};
// The same arms but for their training, alike for all cases not at all or a little: the hardest to tell.
constexpr World kOnlyApart{0, 0, 1}, kMostlyApart{0, 0.16, 1};

/// Arms that are the same in truth but for `shift`, which the second has; each arm has half the variance.
std::vector<ArmScores> made_study(const World& world, int arms, double shift, Random random) {
  std::vector<double> difficulty(kCases);
  for (auto& one : difficulty) one = random.normal(0, 3);
  const double half = std::sqrt(0.5);
  std::vector<ArmScores> study;
  for (int arm = 0; arm < arms; ++arm) {
    ArmScores made{text("arm", arm), {}, text("training ", arm)};
    std::vector<double> runs(kSeeds);
    for (int seed = 0; seed < kSeeds; ++seed) {
      made.cases.seeds.push_back(seed + 1);
      runs[seed] = random.normal(0, half * world.seeds);
    }
    for (int unit = 0; unit < kCases; ++unit) {
      const double own = difficulty[unit] + random.normal(0, half * world.cases) + (arm == 1 ? shift : 0);
      ScoreRow row{text("case", unit), text("case", unit), {}};
      for (const double run : runs) row.values.push_back(own + run + random.normal(0, half * world.rest));
      made.cases.rows.push_back(std::move(row));
    }
    study.push_back(std::move(made));
  }
  return study;
}

struct Rates {
  double first = 0;  // share of studies in which the second arm is judged better or worse
  double any = 0;    // in which any arm is
};

bool judged(const ArmComparison& one) { return one.verdict == Verdict::Better || one.verdict == Verdict::Worse; }

Rates verdicts(const World& world, int arms, double shift, const CompareRules& rules) {
  Rates rates;
  for (int i = 0; i < kStudies; ++i) {
    const auto study = made_study(world, arms, shift, Random(2026, {static_cast<uint64_t>(i)}));
    const auto found = compare_arms(study, rules, true, "dice");
    rates.first += judged(*found.front());
    rates.any += std::any_of(found.begin(), found.end(), [](const auto& one) { return judged(*one); });
  }
  return {rates.first / kStudies, rates.any / kStudies};
}

CompareRules rules_of(const std::string& correction = "holm") {
  CompareRules rules;
  rules.draws = 100;  // of the sign flips, which no verdict here uses
  rules.correction = correction;
  return rules;
}

}  // namespace

TEST(Honesty, TwoIdenticalArmsAreRarelyJudged) {
  for (const World& world : {kRunsMove, kRunsMoveCasesApart, kBoth, kOnlyApart, kMostlyApart}) {
    const double rate = verdicts(world, 2, 0, rules_of()).first;
    EXPECT_LE(rate, 0.07) << "seeds " << world.seeds << ", rest " << world.rest;
    EXPECT_GT(rate, 0) << "a test that never speaks is of no use";
  }
}

TEST(Honesty, TwoStandardErrorsAreFoundHalfTheTimeWhereRunsMoveCasesApart) {
  const double rate = verdicts(kRunsMoveCasesApart, 2, 2 * kRunsMoveCasesApart.standard_error(), rules_of()).first;
  EXPECT_GE(rate, 0.45);
  EXPECT_LE(rate, 0.58);
}

// Where runs move all cases alike, six runs of two arms know the seeds' SD too badly (four degrees of freedom: no test
// of that level finds more than 42 %). A study of six arms knows it well enough, because its arms share it.
TEST(Honesty, TwoStandardErrorsAreFoundHalfTheTimeWhereRunsMoveAllCases) {
  for (const World& world : {kRunsMove, kBoth}) {
    const double shift = 2 * world.standard_error();
    EXPECT_GE(verdicts(world, 2, shift, rules_of()).first, 0.36);
    const double rate = verdicts(world, 6, shift, rules_of("none")).first;
    EXPECT_GE(rate, 0.45) << "rest " << world.rest;
    EXPECT_LE(rate, 0.58) << "rest " << world.rest;
  }
}

TEST(Honesty, SixIdenticalArmsAreRarelyJudgedEvenOnceUnderHolm) {
  const Rates rates = verdicts(kRunsMove, 6, 0, rules_of());
  EXPECT_LE(rates.any, 0.07);
  EXPECT_GT(rates.any, 0);
  EXPECT_GT(verdicts(kRunsMove, 6, 0, rules_of("none")).any, 0.10);  // what goes uncorrected
}

TEST(Honesty, OtherTestsAndIntervalsDoNotLoosenTheVerdict) {
  for (const auto& [interval, test] : {std::pair{"bca", "wilcoxon"}, {"bootstrap", "sign_flip"}}) {
    CompareRules rules = rules_of();
    rules.interval = interval, rules.test = test;
    EXPECT_LE(verdicts(kRunsMove, 2, 0, rules).first, 0.07) << interval << ", " << test;
  }
}

// Why this is not the bootstrap over cases that papers use: it takes the runs it saw for all there could be.
TEST(Honesty, ABootstrapOverCasesAloneWouldCryWolf) {
  int cases_only = 0, with_seeds = 0;
  for (int i = 0; i < kStudies; ++i) {
    const auto study = made_study(kRunsMove, 2, 0, Random(2026, {static_cast<uint64_t>(i)}));
    const ScoreTable difference = difference_of(study[1].cases, study[0].cases);
    ScoreTable averaged{{1}, {}};
    const auto means = difference.unit_means();
    for (size_t unit = 0; unit < means.size(); ++unit) averaged.rows.push_back({"", "", {means[unit]}});
    const auto leaves_zero_out = [](const Interval& interval) { return interval.low > 0 || interval.high < 0; };
    cases_only += leaves_zero_out(percentile_interval(bootstrap_means(averaged, 400, 1), 0.05));
    with_seeds += leaves_zero_out(percentile_interval(bootstrap_means(difference, 400, 1), 0.05));
  }
  EXPECT_GT(cases_only, kStudies / 4);
  EXPECT_GT(with_seeds, kStudies / 10);  // three seeds drawn again are still those three
}

}  // namespace lamina::engine::testing
