// Learning rates over time.
#include "component_test.hpp"

#include <lamina/objective/schedule.hpp>

namespace lamina {
namespace {

std::shared_ptr<Schedule> make(const std::string& entry, int64_t epochs = 10, int64_t iterations = 5) {
  return testing::registry().create<Schedule>(testing::json(entry), "train.schedule", {epochs, iterations});
}

TEST(Poly, FollowsNnunetEpochByEpoch) {
  const auto schedule = make(R"({"type": "poly"})", 1000, 250);
  EXPECT_EQ(schedule->factor(0), 1);
  EXPECT_EQ(schedule->factor(249), 1);
  EXPECT_DOUBLE_EQ(schedule->factor(250), std::pow(1 - 1.0 / 1000, 0.9));
  EXPECT_DOUBLE_EQ(schedule->factor(250 * 999 + 3), std::pow(1 - 999.0 / 1000, 0.9));
}

TEST(Poly, MovesEveryStepWhenAsked) {
  const auto schedule = make(R"({"type": "poly", "per": "step", "power": 1})");
  EXPECT_DOUBLE_EQ(schedule->factor(1), 1 - 1.0 / 50);
  EXPECT_DOUBLE_EQ(schedule->factor(49), 1 - 49.0 / 50);
}

// MA-SAM: 250 steps of warm-up, then (1 - steps since / steps of 400 epochs)^7, stopped after 300 epochs.
TEST(Poly, FallsTowardsAHorizonBehindTheEndOfTraining) {
  const auto schedule = make(R"({"type": "poly", "per": "step", "power": 7, "warmup": 250, "horizon": 400})", 300, 100);
  EXPECT_DOUBLE_EQ(schedule->factor(0), 1.0 / 250);
  EXPECT_DOUBLE_EQ(schedule->factor(249), 1);
  EXPECT_DOUBLE_EQ(schedule->factor(250), 1);
  EXPECT_DOUBLE_EQ(schedule->factor(1250), std::pow(1 - 1000.0 / 40000, 7));
  EXPECT_DOUBLE_EQ(schedule->factor(29999), std::pow(1 - 29749.0 / 40000, 7));
}

TEST(Poly, RefusesAHorizonBeforeTheEndOfTraining) {
  const std::string message = testing::message_of([] { make(R"({"type": "poly", "horizon": 9})"); });
  EXPECT_THAT(message, ::testing::HasSubstr("train.schedule.horizon: 9 epochs, but training has 10"));
}

TEST(Cosine, GoesHalfWayInTheMiddleAndEndsNearTheMinimum) {
  const auto schedule = make(R"({"type": "cosine", "minimum": 0.1})");
  EXPECT_EQ(schedule->factor(0), 1);
  EXPECT_NEAR(schedule->factor(25), 0.55, 1e-12);
  EXPECT_NEAR(schedule->factor(49), 0.1, 1e-3);
}

TEST(Exponential, ShrinksByTheSameFactorPerEpoch) {
  const auto schedule = make(R"({"type": "exponential", "decay": 0.5})");
  EXPECT_EQ(schedule->factor(4), 1);
  EXPECT_EQ(schedule->factor(5), 0.5);
  EXPECT_EQ(schedule->factor(12), 0.25);
}

TEST(Constant, StaysAfterAWarmUpThatReachesOne) {
  const auto schedule = make(R"({"type": "constant", "warmup": 4})");
  EXPECT_DOUBLE_EQ(schedule->factor(0), 0.25);
  EXPECT_DOUBLE_EQ(schedule->factor(3), 1);
  EXPECT_DOUBLE_EQ(schedule->factor(49), 1);
}

TEST(WarmUp, ShiftsTheCurveBehindIt) {
  const auto schedule = make(R"({"type": "cosine", "warmup": 10})");
  EXPECT_DOUBLE_EQ(schedule->factor(9), 1);
  EXPECT_DOUBLE_EQ(schedule->factor(10), 1);
  EXPECT_NEAR(schedule->factor(30), 0.5, 1e-12);
}

TEST(WarmUp, LongerThanTrainingIsRefused) {
  const std::string message = testing::message_of([] { make(R"({"type": "poly", "warmup": 50})"); });
  EXPECT_THAT(message, ::testing::HasSubstr("train.schedule.warmup: 50 steps, but training has only 50"));
}

}  // namespace
}  // namespace lamina
