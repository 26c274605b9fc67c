// Two sets of weights compared.
#include "engine/weights/weights_diff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <torch/types.h>
#include <torch/utils.h>

namespace lamina::engine::testing {
namespace {

using ::testing::ElementsAre;

TEST(WeightsDiffs, SayWhatOnlyOneHas) {
  const torch::Tensor one = torch::ones({2});
  const WeightsDiff diff = diff_weights({{"a", one}, {"both", one}}, {{"b", one}, {"both", one}});
  EXPECT_THAT(diff.only_a, ElementsAre("a"));
  EXPECT_THAT(diff.only_b, ElementsAre("b"));
  EXPECT_EQ(diff.equal, 1);
  EXPECT_FALSE(diff.none());
  EXPECT_TRUE(diff_weights({{"a", one}}, {{"a", one.clone()}}).none());
}

TEST(WeightsDiffs, SayHowFarValuesAre) {
  const WeightsDiff diff =
      diff_weights({{"a", torch::tensor({1.0F, 2.0F, 3.0F})}}, {{"a", torch::tensor({1.0F, 2.5F, 1.0F})}});
  ASSERT_EQ(diff.values.size(), 1U);
  EXPECT_EQ(diff.values[0].count, 2);
  EXPECT_EQ(diff.values[0].largest, 2.0);
}

TEST(WeightsDiffs, CompareOtherTypesAsNumbersAndOtherShapesNotAtAll) {
  const torch::Tensor numbers = torch::tensor({0.5F, 0.25F});
  const WeightsDiff types = diff_weights({{"a", numbers}}, {{"a", numbers.to(torch::kFloat16)}});
  ASSERT_EQ(types.types.size(), 1U);
  EXPECT_EQ(types.types[0].b, "Half");
  EXPECT_TRUE(types.values.empty());
  const WeightsDiff shapes = diff_weights({{"a", numbers}}, {{"a", numbers.reshape({2, 1})}});
  ASSERT_EQ(shapes.shapes.size(), 1U);
  EXPECT_EQ(shapes.shapes[0].b, "[2, 1]");
  EXPECT_EQ(shapes.equal, 0);
}

TEST(WeightsDiffs, NanEqualsNanAndNothingElse) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const torch::Tensor with = torch::tensor({nan, 1.0F}), without = torch::tensor({0.0F, 1.0F});
  EXPECT_TRUE(diff_weights({{"a", with}}, {{"a", with.clone()}}).none());
  const WeightsDiff diff = diff_weights({{"a", with}}, {{"a", without}});
  ASSERT_EQ(diff.values.size(), 1U);
  EXPECT_TRUE(std::isnan(diff.values[0].largest));
}

}  // namespace
}  // namespace lamina::engine::testing
