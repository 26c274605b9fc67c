// What is asked of the index: who leads, and who is at work.
#include "index_fixture.hpp"

#include "engine/run/liveness.hpp"

#include <lamina/base/error.hpp>

#include <unistd.h>

namespace lamina::engine::testing {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

namespace {

std::vector<std::string> arms_of(const LeaderTable& table) {
  std::vector<std::string> arms;
  for (const auto& entry : table.entries) arms.push_back(entry.arm);
  return arms;
}

}  // namespace

TEST_F(IndexTest, TheBestComesFirstWhateverTheMetricWants) {
  write({.arm = "worst", .dice = {0.1, 0.2}});
  write({.arm = "best", .dice = {0.8, 0.9}});
  write({.arm = "middle", .dice = {0.5, 0.6}});
  const Leaderboard dice = board(), distance = board({.metric = "hd95"});
  EXPECT_TRUE(dice.higher_is_better);
  EXPECT_FALSE(distance.higher_is_better);
  EXPECT_EQ(distance.unit, "mm");
  EXPECT_THAT(arms_of(dice.tables.at(0)), ElementsAre("best", "middle", "worst"));
  EXPECT_THAT(arms_of(distance.tables.at(0)), ElementsAre("best", "middle", "worst"));
  EXPECT_NEAR(distance.tables.at(0).entries.at(0).mean, 1.5, 1e-12);
  EXPECT_THAT(dice.warnings, IsEmpty());
}

TEST_F(IndexTest, ArmsAreAveragedOverSeeds) {
  write({.seed = 1, .dice = {0.8, 0.9}});
  write({.seed = 2, .dice = {0.6, 0.7}});
  write_plan("first", {{.seed = 1}, {.seed = 2}});
  const auto entry = board().tables.at(0).entries.at(0);
  EXPECT_NEAR(entry.mean, 0.75, 1e-12);
  EXPECT_NEAR(entry.sd, 0.2 / std::sqrt(2.0), 1e-12);
  EXPECT_EQ(entry.runs, 2);
  EXPECT_EQ(entry.cases, 2);
  EXPECT_EQ(entry.parameters_trainable, 1200);
  EXPECT_EQ(entry.train_seconds, 60);
  const auto runs = board({.group = LeaderGroup::Run}).tables.at(0).entries;
  ASSERT_THAT(runs, SizeIs(2));
  EXPECT_EQ(runs[0].run, "plain-s1-0123abcd");
  EXPECT_TRUE(std::isnan(runs[0].sd)) << "one seed has no spread";
}

TEST_F(IndexTest, ARunOfAnOlderPlanIsNotAveragedIn) {
  write({.seed = 1, .dice = {0.8, 0.9}});
  write({.seed = 2, .dice = {0.1, 0.2}});
  write_plan("first", {{.seed = 1}});
  const auto entries = board().tables.at(0).entries;
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_NEAR(entries[0].mean, 0.85, 1e-12);
  EXPECT_EQ(entries[0].run, "");
  EXPECT_EQ(entries[1].run, "plain-s2-0123abcd");
}

TEST_F(IndexTest, AStudyIsItsBestArm) {
  write({.study = "first", .arm = "a", .dice = {0.5, 0.5}});
  write({.study = "first", .arm = "b", .dice = {0.9, 0.9}});
  write({.study = "second", .arm = "c", .dice = {0.7, 0.7}});
  EXPECT_THAT(arms_of(board({.group = LeaderGroup::Study}).tables.at(0)), ElementsAre("b", "c"));
  EXPECT_THAT(arms_of(board({.study = "second"}).tables.at(0)), ElementsAre("c"));
  const auto table = board({.limit = 1}).tables.at(0);
  EXPECT_THAT(arms_of(table), ElementsAre("b"));
  EXPECT_EQ(table.left_out, 2u);
}

TEST_F(IndexTest, OtherTestCasesAreAnotherTable) {
  write({.arm = "a", .dice = {0.5, 0.5}});
  write({.arm = "b", .dice = {0.6, 0.6}});
  write({.arm = "more", .dice = {0.9, 0.9, 0.9}});
  write({.arm = "other_references", .dice = {0.9, 0.9}, .reference = 10});
  const Leaderboard found = board();
  ASSERT_THAT(found.tables, SizeIs(3));
  EXPECT_THAT(arms_of(found.tables[0]), ElementsAre("b", "a"));
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("3 tables, as the runs were tested on different cases")));
}

// Arms over the same folds stand in one table, though no two of an arm's runs share a case.
TEST_F(IndexTest, FoldsOfASeedArePooled) {
  std::vector<MadeUpRun> planned;
  for (const std::string arm : {"plain", "other"}) {
    planned.push_back({.arm = arm, .seed = 1, .dice = {0.4}});
    planned.push_back({.study = "first", .arm = arm, .seed = 2, .dice = {0.7, 0.7, 0.7}, .first_case = 1});
    write(planned[planned.size() - 2]);
    write(planned.back());
  }
  write_plan("first", planned);
  std::string plan = read_file(runs / "first" / "plan.json");
  for (size_t at = plan.find("\"seed\": 2"); at != std::string::npos; at = plan.find("\"seed\": 2")) {
    plan.replace(at, 9, "\"seed\": 1, \"fold\": 1");
  }
  write_file(runs / "first" / "plan.json", plan);
  const Leaderboard found = board();
  ASSERT_THAT(found.tables, SizeIs(1));
  ASSERT_THAT(found.tables[0].entries, SizeIs(2));
  EXPECT_NEAR(found.tables[0].entries[0].mean, (0.4 + 3 * 0.7) / 4, 1e-12);
  EXPECT_EQ(found.tables[0].entries[0].seeds, 1);
  EXPECT_EQ(found.tables[0].cases, 4);
}

TEST_F(IndexTest, RefusesNamesThatAreNotThere) {
  write({});
  const auto refusal = [&](const LeaderQuery& query) { return [this, query] { board(query); }; };
  EXPECT_THAT(refusal({.metric = "dcie"}),
              ThrowsMessage<ConfigError>("no run was evaluated with one metric 'dcie' (did you mean 'dice'?); there "
                                         "are: dice, hd95"));
  EXPECT_THAT(refusal({.study = "frist"}), ThrowsMessage<ConfigError>(HasSubstr("did you mean 'first'?")));
  EXPECT_THAT(refusal({.dataset = "Bals"}), ThrowsMessage<ConfigError>(HasSubstr("did you mean 'Balls'?")));
  EXPECT_THAT(
      [&] {
        RunIndex index = open();
        run_states(index, "frist", 0);
      },
      ThrowsMessage<ConfigError>(HasSubstr("there is no study 'frist' here (did you mean 'first'?)")));
}

TEST_F(IndexTest, AMetricWithoutItsPluginHasNoOrder) {
  write({});
  const Registry nobody;
  RunIndex index(runs, nobody);
  EXPECT_THAT([&] { leaderboard(index, {}); }, ThrowsMessage<ConfigError>(HasSubstr("give --plugin-path DIR")));
}

TEST_F(IndexTest, SaysWhoRunsAndWhoDied) {
  RunStatus status;
  status.state = "running", status.stage = "train", status.epoch = 2, status.epochs = 5;
  const RunFolder mine = write({.arm = "mine"}), dead = write({.arm = "dead"});
  mine.set_status(status);  // this process writes it, and lives
  dead.set_status(status);
  ConfigNode node = ConfigNode::parse(read_file(dead.status_file()));
  node.set("host", "elsewhere");
  write_file(dead.status_file(), node.dump());
  RunIndex index = open();
  const auto runs = run_states(index, "", seconds_since_1970() + 700).at(0).runs;
  EXPECT_EQ(runs.at(0).state, "died");
  EXPECT_FALSE(runs[0].seconds_left);
  EXPECT_NEAR(runs[0].heartbeat_age, 700, 60);
  EXPECT_EQ(runs.at(1).state, "running");
  EXPECT_EQ(runs[1].pid, getpid());
  EXPECT_EQ(runs[1].host, this_host());
  EXPECT_EQ(runs[1].seconds_left, 3 * 6.0) << "three epochs are left, and epochs took 4, 6 and 8 s";
}

}  // namespace lamina::engine::testing
