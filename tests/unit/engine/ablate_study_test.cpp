// Study files, plans and runs of studies.
#include "study_fixture.hpp"

#include "engine/report/report.hpp"
#include "engine/train/checkpoint.hpp"

#include <lamina/base/error.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>

#include <unistd.h>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

namespace fs = std::filesystem;

namespace {

bool is_residual(const Experiment& experiment) {
  return experiment.resolved().at("model").at("encoder").at("residual").as_bool();
}

/// What names the training in a run's folder name.
std::string hash_of(const RunFolder& run) {
  const std::string name = run.path().filename().string();
  return name.substr(name.rfind('-'));
}

}  // namespace

TEST_F(StudyTest, HasTheBaselineFirstAndThenItsArms) {
  const Study study = load();
  EXPECT_EQ(study.name, "small");
  EXPECT_EQ(study.baseline, "plain");
  std::vector<std::string> names;
  for (const auto& arm : study.arms) names.push_back(arm.name);
  EXPECT_THAT(names, ElementsAre("plain", "residual", "no_overlap"));
  EXPECT_THAT(study.seeds, ElementsAre(1, 2));
}

TEST_F(StudyTest, GivesEveryArmItsOverridesAndTheSeed) {
  const Study study = load();
  const Experiment residual = study.experiment(study.arm("residual"), 2, registry);
  EXPECT_TRUE(residual.resolved().at("model").at("encoder").at("residual").as_bool());
  EXPECT_EQ(residual.options().seed, 2);
  const Experiment plain = study.experiment(study.arm("plain"), 1, registry);
  EXPECT_FALSE(plain.resolved().at("model").at("encoder").at("residual").as_bool());
}

TEST_F(StudyTest, LetsTheCommandLineHaveTheLastWordInEveryArm) {
  const Study study = load("small.json", {"train.epochs=7"});
  for (const auto& arm : study.arms)
    EXPECT_EQ(study.experiment(arm, 1, registry).options().train.epochs, 7) << arm.name;
}

TEST_F(StudyTest, TakesAPlainExperimentAsAStudyOfOneArm) {
  const Study study = load("tiny.json");
  ASSERT_THAT(study.arms, SizeIs(1));
  EXPECT_EQ(study.arms[0].name, "tiny");
  EXPECT_EQ(study.name, "tiny");
}

TEST_F(StudyTest, MayExtendAnotherStudy) {
  write_file(folder / "longer.json", R"({"schema": 1, "name": "longer", "base": ["small.json"], "seeds": [3]})");
  const Study study = load("longer.json");
  EXPECT_THAT(study.arms, SizeIs(3));
  EXPECT_THAT(study.seeds, ElementsAre(3));
}

TEST_F(StudyTest, NamesTheProblemsOfAllArmsAtOnce) {
  write_file(folder / "bad.json", R"({"schema": 1, "baseline": "tiny.json", "arms": [
    {"name": "a", "set": {"model.encoder.residul": true}}, {"name": "b", "set": {"train.epochs": "many"}}]})");
  EXPECT_THAT([&] { load("bad.json"); }, ThrowsMessage<ConfigError>(AllOf(HasSubstr("arm 'a'"), HasSubstr("residual"),
                                                                          HasSubstr("arm 'b'"), HasSubstr("epochs"))));
}

TEST_F(StudyTest, RefusesUnknownKeysWithTheNearestName) {
  write_file(folder / "bad.json", R"({"schema": 1, "baseline": "tiny.json", "sedes": [1], "arms": [{"nam": "a"}]})");
  EXPECT_THAT([&] { load("bad.json"); }, ThrowsMessage<ConfigError>(AllOf(HasSubstr("seeds"), HasSubstr("name"))));
}

TEST_F(StudyTest, RefusesTwoArmsOfOneNameAndNamesThatAreNoFolders) {
  write_file(folder / "bad.json",
             R"({"schema": 1, "baseline": "tiny.json", "arms": [{"name": "a/b"}, {"name": "x"}, {"name": "x"}]})");
  EXPECT_THAT([&] { load("bad.json"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("a/b"), HasSubstr("two arms are called 'x'"))));
}

TEST_F(StudyTest, AListedArmMayNameItsOpponent) {
  write_file(folder / "pairs.json",
             R"({"schema": 1, "name": "small", "baseline": "tiny.json", "baseline_name": "plain", "arms": [
                 {"name": "residual", "set": {"model.encoder.residual": true}},
                 {"name": "no_overlap", "against": "residual", "set": {"model.encoder.residual": true, "infer.overlap": 0}}]})");
  const Plan plan = make_plan(load("pairs.json"), how(), registry);
  ASSERT_THAT(plan.arms.at(2).changes, SizeIs(1)) << "it differs from its opponent, not from the baseline";
  EXPECT_EQ(plan.arms.at(2).changes.front().path, "infer.overlap");
  EXPECT_EQ(plan_to_node(load("pairs.json"), plan).at("arms").at(2).at("against").as_text(), "residual");
  write_file(folder / "bad.json", R"({"schema": 1, "baseline": "tiny.json", "arms": [
                 {"name": "residual", "against": "residual"}, {"name": "other", "against": "residul"}]})");
  EXPECT_THAT([&] { load("bad.json"); }, ThrowsMessage<ConfigError>(AllOf(
                                             HasSubstr("arm 'residual'.against: an arm cannot be compared with itself"),
                                             HasSubstr("there is no arm 'residul' (did you mean 'residual'?)"))));
}

TEST_F(StudyTest, KnowsAnArmByItsNameOrSaysWhichThereAre) {
  EXPECT_THAT([&] { load().arm("residul"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("did you mean 'residual'"), HasSubstr("no_overlap"))));
}

TEST_F(StudyTest, DeletesAndSetsNull) {
  write_file(folder / "erase.json", R"({"schema": 1, "baseline": "tiny.json", "set": {"train.clip": 5},
    "arms": [{"name": "erased", "set": {"~train.clip": null}}, {"name": "null", "set": {"train.clip": null}}]})");
  const Study study = load("erase.json");
  EXPECT_EQ(study.experiment(study.arms[0], 1, registry).options().train.clip, 5.0);
  EXPECT_FALSE(study.experiment(study.arms[1], 1, registry).options().train.clip);
  EXPECT_FALSE(study.experiment(study.arms[2], 1, registry).options().train.clip);
}

TEST_F(StudyTest, PlansOneTrainingForArmsThatDifferOnlyAfterIt) {
  const Plan plan = make_plan(load(), how(), registry);
  ASSERT_THAT(plan.cells, SizeIs(6));
  int trainings = 0;
  for (const auto& planned : plan.cells) trainings += planned.trains;
  EXPECT_EQ(trainings, 4);
  EXPECT_EQ(plan.cells[0].cell.hashes.train, plan.cells[2].cell.hashes.train);
  EXPECT_NE(plan.cells[0].cell.hashes.infer, plan.cells[2].cell.hashes.infer);
  EXPECT_NE(plan.cells[0].cell.hashes.train, plan.cells[3].cell.hashes.train);  // another seed
  EXPECT_EQ(plan.cells[0].cell.hashes.prepare, plan.cells[3].cell.hashes.prepare);
  ASSERT_THAT(plan.arms[1].changes, SizeIs(::testing::Ge(1u)));
  EXPECT_EQ(plan.arms[0].changes.size(), 0u);
}

TEST_F(StudyTest, WarnsOfArmsThatAreTheSameAndOfOtherBudgets) {
  write_file(folder / "same.json", R"({"schema": 1, "baseline": "tiny.json", "arms": [
    {"name": "twin", "set": {"train.epochs": 2}}, {"name": "longer", "set": {"train.epochs": 4}}]})");
  const Plan plan = make_plan(load("same.json"), how(), registry);
  EXPECT_THAT(plan.warnings, ::testing::Contains(HasSubstr("'baseline' and 'twin' are the same experiment")));
  EXPECT_THAT(plan.warnings, ::testing::Contains(AllOf(HasSubstr("'longer'"), HasSubstr("train.epochs is 4"))));
}

TEST_F(StudyTest, RefusesAModelThatCannotBeBuiltBeforeAnythingRuns) {
  write_file(folder / "bad.json", R"({"schema": 1, "baseline": "tiny.json", "arms": [
    {"name": "frozen", "set": {"train.trainable": ["decodr.**"]}}]})");
  EXPECT_THAT([&] { run_study(load("bad.json"), how(), registry); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("arm 'frozen'"), HasSubstr("decodr"))));
  EXPECT_FALSE(fs::exists(folder / "runs" / "bad"));
}

TEST_F(StudyTest, RunsEveryCellOnceAndNothingTheSecondTime) {
  const StudyResult first = run_study(load(), how(), registry);
  EXPECT_THAT(first.failures, IsEmpty());
  EXPECT_TRUE(fs::exists(first.report));
  for (const auto& cell : first.cells) {
    EXPECT_EQ(RunFolder(cell.run).status().state, "done");
    EXPECT_TRUE(fs::exists(RunFolder(cell.run).summary()));
  }
  int runs = 0;
  run_study(load(), how([&](const auto&) { ++runs; }), registry);
  EXPECT_EQ(runs, 0);
}

TEST_F(StudyTest, SharesTheCheckpointOfTheSameTraining) {
  const StudyResult result = run_study(load(), how(), registry);
  const RunFolder plain(result.cells[0].run), no_overlap(result.cells[2].run);
  EXPECT_TRUE(
      fs::equivalent(checkpoint_file(plain.checkpoints(), "last"), checkpoint_file(no_overlap.checkpoints(), "last")));
  EXPECT_FALSE(fs::exists(no_overlap.curves()));
}

TEST_F(StudyTest, GoesOnWithTheRestWhenOneCellFails) {
  const CellRunner runner = [&](const CellOrder& order) {
    if (is_residual(order.experiment)) throw DataError("case 7 is missing");
    run_cell(order.experiment, order.folder, order.cache, registry);
  };
  const StudyResult result = run_study(load(), how(runner), registry);
  ASSERT_THAT(result.failures, SizeIs(2));
  EXPECT_THAT(result.failures[0], HasSubstr("residual s1: case 7 is missing"));
  EXPECT_EQ(RunFolder(result.cells[1].run).status().state, "failed");
  EXPECT_EQ(RunFolder(result.cells[5].run).status().state, "done");
  EXPECT_THAT(read_file(result.report), HasSubstr("case 7 is missing"));
  EXPECT_THAT(run_study(load(), how(), registry).failures, IsEmpty());  // tried again, and it works now
}

// Cells with one training (plain and no_overlap) must not run at a time: the second takes the first's checkpoint.
TEST_F(StudyTest, RunsSeveralAtATimeButNoTrainingTwice) {
  std::mutex mutex;
  std::multiset<std::string> running;
  size_t most = 0, twice = 0, started = 0;
  StudyRun parallel = how([&](const CellOrder& order) {
    const std::string hash = hash_of(order.folder);
    EXPECT_EQ(order.threads, 1);
    EXPECT_FALSE(order.line_start.empty());
    {
      const std::lock_guard hold(mutex);
      ++started;
      running.insert(hash);
      most = std::max(most, running.size());
      twice += running.count(hash) > 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const std::lock_guard hold(mutex);
    running.erase(running.find(hash));
  });
  parallel.jobs = 3;
  run_study(load("small.json", {"runtime.threads=1"}), parallel, registry);
  EXPECT_EQ(started, 6);
  EXPECT_GE(most, 2);
  EXPECT_LE(most, 3);
  EXPECT_EQ(twice, 0);
}

TEST_F(StudyTest, AStopRequestEndsAllRunsAtATime) {
  std::atomic<int> started = 0;
  StudyRun parallel = how([&](const CellOrder& order) {
    if (++started == 2) kill(getpid(), SIGUSR1);
    while (!interrupt_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    throw_if_interrupted(order.folder.path());
  });
  parallel.jobs = 2;
  install_interrupt_handlers();
  EXPECT_THROW(run_study(load(), parallel, registry), Interrupted);
  reset_interrupt();
  EXPECT_EQ(started, 2);
}

TEST_F(StudyTest, SeveralAtATimeNeedProcesses) {
  StudyRun parallel = how();
  parallel.jobs = 2;
  EXPECT_THROW(run_study(load(), parallel, registry), ConfigError);
}

TEST_F(StudyTest, EndsEqualAfterAnInterruption) {
  run_study(load(), how(), registry);
  const std::string expected = results();
  StudyRun interrupted = how();
  interrupted.runs_root = folder / "again";
  int started = 0;
  interrupted.runner = [&](const CellOrder& order) {
    if (++started == 2) raise(SIGUSR1);
    run_cell(order.experiment, order.folder, order.cache, registry);
  };
  install_interrupt_handlers();
  EXPECT_THROW(run_study(load(), interrupted, registry), Interrupted);
  reset_interrupt();
  interrupted.runner = nullptr;
  EXPECT_THAT(run_study(load(), interrupted, registry).failures, IsEmpty());
  EXPECT_EQ(results("again"), expected);
}

TEST_F(StudyTest, PredictsAnewButDoesNotTrainWhenOnlyTheInfererChanges) {
  const StudyResult before = run_study(load(), how(), registry);
  const auto trained = fs::last_write_time(checkpoint_file(RunFolder(before.cells[0].run).checkpoints(), "last"));
  const StudyResult after = run_study(load("small.json", {"infer.overlap=0.25"}), how(), registry);
  EXPECT_EQ(before.cells[0].run, after.cells[0].run);
  EXPECT_NE(before.cells[0].hashes.infer, after.cells[0].hashes.infer);
  EXPECT_EQ(RunFolder(after.cells[0].run).status().hashes.infer, after.cells[0].hashes.infer);
  EXPECT_EQ(fs::last_write_time(checkpoint_file(RunFolder(after.cells[0].run).checkpoints(), "last")), trained);
}

TEST_F(StudyTest, AReportMayBeGivenAwayWithoutPictures) {
  const StudyResult result = run_study(load(), how(), registry);
  EXPECT_THAT(read_file(result.report), HasSubstr("data:image/png"));
  write_report(result.folder, registry, CasePictures::LeftOut);
  EXPECT_THAT(read_file(result.report),
              AllOf(::testing::Not(HasSubstr("data:image/png")), HasSubstr("left out, as asked for")));
}

TEST_F(StudyTest, AReportHasItsNumbersInOtherFormats) {
  const StudyResult result = run_study(load(), how(), registry);
  const auto written = [&](ReportFormat format) { return report_text(result.folder, registry, format); };
  EXPECT_EQ(written(ReportFormat::Csv), read_file(result.folder / "results.csv"));
  EXPECT_EQ(written(ReportFormat::Json), read_file(result.folder / "stats.json"));
  EXPECT_THAT(written(ReportFormat::Markdown), HasSubstr("\n| no\\_overlap | "));
  EXPECT_THAT(written(ReportFormat::Latex), HasSubstr("\nno\\_overlap & "));
  const fs::path elsewhere = folder / "page.html";
  EXPECT_EQ(write_report(result.folder, registry, CasePictures::LeftOut, elsewhere), elsewhere);
  EXPECT_THAT(read_file(elsewhere), HasSubstr("<title>small - lamina report</title>"));
}

TEST_F(StudyTest, RunsOnlyTheChosenArms) {
  StudyRun chosen = how();
  chosen.only = {"plain"};
  const StudyResult result = run_study(load(), chosen, registry);
  EXPECT_EQ(RunFolder(result.cells[0].run).status().state, "done");
  EXPECT_FALSE(fs::exists(result.cells[1].run));
  EXPECT_THAT(read_file(result.report), HasSubstr("is not finished"));
}

}  // namespace lamina::engine::testing
