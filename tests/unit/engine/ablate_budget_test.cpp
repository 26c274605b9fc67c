// What a study may spend: runs that are behind end early; the estimate of a plan.
#include "study_fixture.hpp"

#include "engine/ablate/earlier_seeds.hpp"
#include "engine/ablate/estimate.hpp"
#include "engine/report/report.hpp"

#include <lamina/base/error.hpp>

#include <gmock/gmock.h>

namespace lamina::engine::testing {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

/// Four arms that learn and one that cannot.
constexpr const char* kStopStudy = R"({
  "schema": 1, "name": "stops", "baseline": "tiny.json", "baseline_name": "plain",
  "set": {"train.epochs": 6, "train.iterations": 6},
  "arms": [{"name": "residual", "set": {"model.encoder.residual": true}},
           {"name": "wide", "set": {"model.encoder.channels": [6, 8]}},
           {"name": "cannot_learn", "set": {"train.optimizer.lr": 1e-12}}],
  "seeds": [1, 2], "budget": {"stop": {"rule": "median", "after": 0.5}}, "compare": {"draws": 200}})";

Cell cell_of(int64_t seed, std::optional<int64_t> fold = {}) {
  Cell cell;
  cell.seed = seed;
  cell.fold = fold;
  return cell;
}

}  // namespace

TEST(EarlierSeeds, AreThoseOfTheSameFold) {
  const std::vector<Cell> cells{cell_of(1, 0), cell_of(1, 0), cell_of(7, 0),
                                cell_of(7, 0), cell_of(1, 1), cell_of(7, 1)};
  EXPECT_THAT(earlier_seeds(cells, 1), IsEmpty());
  EXPECT_THAT(earlier_seeds(cells, 3), ElementsAre(0, 1));
  EXPECT_THAT(earlier_seeds(cells, 4), IsEmpty());
  EXPECT_THAT(earlier_seeds(cells, 5), ElementsAre(4));
}

class BudgetTest : public StudyTest {
 protected:
  BudgetTest() { write_file(folder / "stops.json", kStopStudy); }
};

TEST_F(BudgetTest, ARunThatIsBehindEndsEarlyAndTheReportSaysSo) {
  const Study study = load("stops.json");
  const StudyResult result = run_study(study, how(), registry);
  ASSERT_THAT(result.failures, IsEmpty());
  for (const auto& cell : result.cells) {
    const RunStatus status = RunFolder(cell.run).status();
    const bool stopped = !status.stopped_early.empty();
    if (cell.seed == 1) EXPECT_FALSE(stopped) << "the first seed has nothing to be compared with";
    if (cell.arm == "plain") EXPECT_FALSE(stopped) << "all others are compared with the baseline";
    if (cell.seed == 2 && cell.arm == "cannot_learn") EXPECT_TRUE(stopped);
    if (stopped) EXPECT_LT(status.epoch, 6);
    EXPECT_EQ(status.state, "done") << "what was stopped is evaluated as it is";
  }
  const bool said =
      read_file(result.report).find("cannot_learn&apos;, seed 2 was stopped early after epoch") != std::string::npos;
  EXPECT_TRUE(said);
  const auto stats = ConfigNode::parse(read_file(result.folder / "stats.json")).at("arms");
  const auto dice = stats.at(3).at("metrics").at("dice");
  EXPECT_EQ(dice.at("difference").at("verdict").as_text(), "inconclusive");
  // Nothing is left to do, and the decision stands.
  const auto plan = make_plan(study, how(), registry);
  EXPECT_EQ(count_work(plan).inferences, 0);
}

TEST_F(BudgetTest, AStoppableRunWaitsForTheSeedsBefore) {
  const auto plan = make_plan(load("stops.json"), how(), registry);
  EXPECT_THAT(plan.cells[3].after, IsEmpty());
  EXPECT_THAT(plan.cells[4].after, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(make_plan(load(), how(), registry).cells.back().after, IsEmpty());
}

TEST_F(BudgetTest, OneSeedStopsNothingAndSaysSo) {
  std::string words = kStopStudy;
  words.replace(words.find("[1, 2], \"budget"), 6, "[1]");
  write_file(folder / "one.json", words);
  const auto plan = make_plan(load("one.json"), how(), registry);
  EXPECT_THAT(plan.warnings, ::testing::Contains(HasSubstr("with one seed it stops none")));
}

TEST_F(BudgetTest, ARuleThatStopsNothingChangesNoHash) {
  const Study study = load();
  const auto plain = study.experiment(study.arm("plain"), 1, registry);
  auto before = plain.resolved().at("train");
  EXPECT_FALSE(without_idle_stop(before).contains("stop"));
  const Study other = load("small.json", {"train.stop.rule=median"});
  const auto stoppable = other.experiment(other.arm("plain"), 1, registry);
  EXPECT_NE(plain.hashes(registry, "").train, stoppable.hashes(registry, "").train);
  EXPECT_EQ(plain.hashes(registry, "").prepare, stoppable.hashes(registry, "").prepare);
}

TEST_F(BudgetTest, ThePlanIsMeasuredBeforeItRuns) {
  const Study study = load();
  const Plan plan = make_plan(study, how(), registry);
  const Estimate guess = estimate(plan, how(), registry);
  EXPECT_THAT(guess.problems, IsEmpty());
  ASSERT_EQ(guess.arms.size(), 3);
  double expected = 0;
  for (const auto& [arm, one] : guess.arms) {
    EXPECT_FALSE(one.measured);
    const RunCost& cost = one.cost;
    EXPECT_GT(cost.step_seconds, 0);
    EXPECT_GT(cost.peak_memory_bytes, 0);
    EXPECT_NEAR(cost.train_seconds, 4 * cost.step_seconds + 2 * cost.seconds_per_case, 1e-9);
    EXPECT_NEAR(cost.infer_seconds, 3 * cost.seconds_per_case, 1e-9);
    // Two seeds; `no_overlap` shares the baseline's trainings.
    expected += 2 * (cost.infer_seconds + (arm == "no_overlap" ? 0 : cost.train_seconds));
  }
  EXPECT_NEAR(guess.seconds, expected, 1e-9);
  EXPECT_FALSE(std::filesystem::exists(plan.folder)) << "a dry run leaves nothing";
}

TEST_F(BudgetTest, WhatIsDoneIsMeasuredByItself) {
  const Study study = load("small.json", {"runtime.threads=1"});
  StudyRun first = how();
  Study one_seed = study;
  one_seed.seeds = {1};
  run_study(one_seed, first, registry);
  const Estimate guess = estimate(make_plan(study, how(), registry), how(), registry);
  ASSERT_EQ(guess.arms.size(), 3);
  for (const auto& [arm, one] : guess.arms) EXPECT_TRUE(one.measured) << arm;
}

TEST_F(BudgetTest, AnArmThatCannotRunIsFoundByItsProbe) {
  const Study study = load("small.json", {"dataset.cases.test=0"});
  const Estimate guess = estimate(make_plan(study, how(), registry), how(), registry);
  ASSERT_EQ(guess.problems.size(), 1);
  EXPECT_THAT(guess.problems.begin()->first, HasSubstr("no test cases"));
  EXPECT_THAT(guess.problems.begin()->second, ElementsAre("no_overlap", "plain", "residual"));
}

}  // namespace lamina::engine::testing
