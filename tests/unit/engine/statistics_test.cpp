// Means, quantiles and the paired bootstrap against numpy on the same resamples (tests/parity/make_statistics.py).
#include "engine/ablate/statistics.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/options/config_node.hpp>

#include <cmath>
#include <filesystem>
#include <limits>

#include <gtest/gtest.h>

namespace lamina::engine {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> numbers(const ConfigNode& list) {
  std::vector<double> values;
  for (size_t i = 0; i < list.size(); ++i) values.push_back(list.at(i).is_null() ? kNan : list.at(i).as_number());
  return values;
}

TEST(Statistics, EqualNumpyOnTheSameResamples) {
  const auto file = std::filesystem::path(LAMINA_TEST_SOURCE_DIR) / "tests/parity/statistics.json";
  const auto cases = ConfigNode::parse(read_file(file), file.string());
  ASSERT_EQ(cases.size(), 3u);
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto one = cases.at(i);
    const auto result =
        paired_difference(numbers(one.at("variant")), numbers(one.at("baseline")), one.at("draws").as_integer(),
                          one.at("alpha").as_number(), static_cast<uint64_t>(one.at("seed").as_integer()));
    EXPECT_NEAR(result.mean, one.at("mean").as_number(), 1e-12) << one.text_or("name", "");
    EXPECT_NEAR(result.sd, one.at("sd").as_number(), 1e-12);
    EXPECT_NEAR(result.interval.low, one.at("low").as_number(), 1e-12);
    EXPECT_NEAR(result.interval.high, one.at("high").as_number(), 1e-12);
    EXPECT_EQ(result.pairs, one.at("pairs").as_integer());
    EXPECT_EQ(result.dropped, one.at("dropped").as_integer());
  }
}

TEST(Statistics, InterpolateBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(quantile_of({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile_of({4, 1, 3, 2}, 0), 1);
  EXPECT_DOUBLE_EQ(quantile_of({4, 1, 3, 2}, 1), 4);
  EXPECT_DOUBLE_EQ(quantile_of({10, 20, 30}, 0.95), 29);
  EXPECT_TRUE(std::isnan(quantile_of({}, 0.5)));
}

TEST(Statistics, MeanAndSdAreDefinedForFewValues) {
  EXPECT_TRUE(std::isnan(mean_of({})));
  EXPECT_EQ(mean_of({3}), 3);
  EXPECT_EQ(sd_of({3}), 0);
  EXPECT_DOUBLE_EQ(sd_of({1, 2, 3, 4}), std::sqrt(5.0 / 3));
}

TEST(Statistics, SameSeedGivesTheSameIntervalAndAnotherSeedAnother) {
  const std::vector<double> a{0.9, 0.8, 0.7, 0.95, 0.6}, b{0.85, 0.8, 0.72, 0.9, 0.5};
  const auto first = paired_difference(a, b, 500, 0.05, 3), again = paired_difference(a, b, 500, 0.05, 3);
  EXPECT_EQ(first.interval.low, again.interval.low);
  EXPECT_EQ(first.interval.high, again.interval.high);
  EXPECT_NE(bootstrap_means(a, 5, 3), bootstrap_means(a, 5, 4));
}

TEST(Statistics, IntervalOfEqualArmsHoldsZeroOnly) {
  const std::vector<double> values{0.9, 0.8, 0.7};
  const auto result = paired_difference(values, values, 200, 0.05, 1);
  EXPECT_EQ(result.mean, 0);
  EXPECT_EQ(result.interval.low, 0);
  EXPECT_EQ(result.interval.high, 0);
}

TEST(Statistics, WithoutPairsThereIsNoInterval) {
  const auto none = paired_difference({kNan, 0.5}, {0.5, kNan}, 100, 0.05, 1);
  EXPECT_EQ(none.pairs, 0);
  EXPECT_EQ(none.dropped, 2);
  EXPECT_TRUE(std::isnan(none.mean));
  EXPECT_TRUE(std::isnan(none.interval.low));
  const auto one = paired_difference({0.5}, {0.25}, 100, 0.05, 1);
  EXPECT_EQ(one.mean, 0.25);
  EXPECT_TRUE(std::isnan(one.interval.high));
}

TEST(Statistics, RefusesListsOfOtherLengths) { EXPECT_THROW(paired_difference({1, 2}, {1}, 10, 0.05, 1), Error); }

}  // namespace
}  // namespace lamina::engine
