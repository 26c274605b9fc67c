// Every statistic against numpy, scipy and statsmodels (tests/parity/make_statistics.py).
#include "golden.hpp"

#include "engine/statistics/bootstrap.hpp"
#include "engine/statistics/effects.hpp"
#include "engine/statistics/mean_test.hpp"
#include "engine/statistics/paired_tests.hpp"
#include "engine/statistics/precision.hpp"
#include "engine/statistics/verdict.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace lamina::engine::testing {

template <class Check>
void for_each_golden(const std::string& name, size_t expected, const Check& check) {
  const ConfigNode list = golden().at(name);
  ASSERT_EQ(list.size(), expected);
  for (size_t i = 0; i < list.size(); ++i) {
    const ConfigNode one = list.at(i);
    SCOPED_TRACE(one.text_or("name", std::to_string(i)));
    check(one);
  }
}

TEST(Golden, BootstrapIntervalsEqualScipyOnTheSameResamples) {
  for_each_golden("intervals", 3, [](const ConfigNode& one) {
    const ScoreTable table = table_of(one.at("table"));
    const double alpha = one.at("alpha").as_number();
    const auto means = bootstrap_means(table, one.at("draws").as_integer(), one.at("seed").as_integer());
    const Interval percentile = percentile_interval(means, alpha), bca = bca_interval(table, means, alpha);
    EXPECT_NEAR(mean_of(table.unit_means()), one.at("mean").as_number(), 1e-12);
    EXPECT_NEAR(percentile.low, one.at("low").as_number(), 1e-12);
    EXPECT_NEAR(percentile.high, one.at("high").as_number(), 1e-12);
    EXPECT_NEAR(bca.low, one.at("bca").at(0).as_number(), 1e-9);
    EXPECT_NEAR(bca.high, one.at("bca").at(1).as_number(), 1e-9);
  });
}

TEST(Golden, PairedTestsEqualScipy) {
  for_each_golden("paired", 4, [](const ConfigNode& one) {
    const auto differences = differences_of(one);
    const SignedRank wilcox = wilcoxon(differences, Zeros::Wilcox), pratt = wilcoxon(differences, Zeros::Pratt);
    EXPECT_EQ(wilcox.statistic(), one.at("wilcox").at(0).as_number());
    EXPECT_NEAR(wilcox.p, one.at("wilcox").at(1).as_number(), 1e-12);
    EXPECT_EQ(wilcox.exact, one.at("exact").as_bool());
    EXPECT_EQ(pratt.statistic(), one.at("pratt").at(0).as_number());
    EXPECT_NEAR(pratt.p, one.at("pratt").at(1).as_number(), 1e-12);
    EXPECT_NEAR(sign_flip(differences, 2000, 11), one.at("sign_flip").as_number(), 1e-12);
    EXPECT_NEAR(rank_biserial(differences), one.at("rank_biserial").as_number(), 1e-12);
    EXPECT_NEAR(cliffs_delta(numbers(one.at("a")), numbers(one.at("b"))), one.at("cliffs_delta").as_number(), 1e-12);
  });
}

// The twelve cases that the field's sheets quote: W = 3 and p = 0.0111767 without zeros, W = 5 and 0.0097798 with them.
TEST(Golden, TheWellKnownTwelveCases) {
  const auto differences = differences_of(golden().at("paired").at(0));
  EXPECT_EQ(wilcoxon(differences).statistic(), 3);
  EXPECT_NEAR(wilcoxon(differences).p, 0.0111767, 5e-8);
  EXPECT_EQ(wilcoxon(differences, Zeros::Pratt).statistic(), 5);
  EXPECT_NEAR(wilcoxon(differences, Zeros::Pratt).p, 0.0097798, 5e-8);
  EXPECT_NEAR(mean_of(differences), 0.0133333, 5e-8);
  EXPECT_NEAR(sd_of(differences), 0.0137069, 5e-8);
}

TEST(Golden, OneSeedIsThePairedTTestOfScipyAndThePowerOfStatsmodels) {
  for_each_golden("paired", 4, [](const ConfigNode& one) {
    std::vector<std::vector<double>> rows;
    for (const double value : differences_of(one)) rows.push_back({value});
    const MeanDifference found = mean_difference(table_of(rows), {});
    const Interval interval = found.interval(0.05);
    EXPECT_NEAR(found.mean / found.standard_error, one.at("t").as_number(), 1e-8);
    EXPECT_NEAR(found.p(), one.at("t_p").as_number(), 1e-9);
    EXPECT_NEAR(interval.low, one.at("t_interval").at(0).as_number(), 1e-9);
    EXPECT_NEAR(interval.high, one.at("t_interval").at(1).as_number(), 1e-9);
    EXPECT_EQ(precision_of(found, 0.05).units, one.at("units_needed").as_integer());
    EXPECT_NEAR(precision_of(found, 0.05).half_width, (interval.high - interval.low) / 2, 1e-12);
  });
}

TEST(Golden, MeanSquaresEqualTheLeastSquaresFit) {
  for_each_golden("spreads", 2, [](const ConfigNode& one) {
    const SeedSpread spread = seed_spread(table_of(one.at("table")));
    EXPECT_NEAR(spread.seeds, one.at("seeds").as_number(), 1e-10);
    EXPECT_NEAR(spread.rest, one.at("rest").as_number(), 1e-10);
    EXPECT_EQ(spread.seeds_df, one.at("seeds_df").as_number());
    EXPECT_EQ(spread.rest_df, one.at("rest_df").as_number());
  });
}

TEST(Golden, HolmEqualsStatsmodels) {
  const auto expected = numbers(golden().at("holm").at("adjusted"));
  const auto found = holm(numbers(golden().at("holm").at("p")));
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-12) << i;
}

TEST(Golden, KendallsTauEqualsScipy) {
  const ConfigNode one = golden().at("kendall");
  EXPECT_NEAR(kendall_tau(numbers(one.at("x")), numbers(one.at("y"))), one.at("tau").as_number(), 1e-12);
}

TEST(Golden, DistributionsEqualScipy) {
  for_each_golden("t", 3, [](const ConfigNode& one) {
    const double t = one.at("t").as_number(), df = one.at("df").as_number();
    EXPECT_NEAR(t_two_sided(t, df) / one.at("p").as_number(), 1, 1e-10);
    EXPECT_NEAR(t_quantile(0.975, df) / one.at("q").as_number(), 1, 1e-10);
  });
  for_each_golden("f", 2, [](const ConfigNode& one) {
    const double p = f_upper(one.at("f").as_number(), one.at("above").as_number(), one.at("below").as_number());
    EXPECT_NEAR(p, one.at("p").as_number(), 1e-10);
  });
  for_each_golden("power", 3, [](const ConfigNode& one) {
    const double power = t_power(one.at("ncp").as_number(), one.at("df").as_number(), one.at("alpha").as_number());
    EXPECT_NEAR(power, one.at("power").as_number(), 1e-9);
  });
}

}  // namespace lamina::engine::testing
