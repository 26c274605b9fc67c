// The index of runs is a cache: whatever happens to it, it tells what the folders say.
#include "index_fixture.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>

#include <sys/wait.h>

#include <fstream>

#include <unistd.h>

namespace lamina::engine::testing {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

namespace {

int64_t count_of(RunIndex& index, const char* sql) {
  return index.ask([&](const Database& database) { return database.integer(sql); });
}

/// What goes to the log while it lives.
class Heard {
 public:
  Heard() {
    set_log_listener([this](LogLevel, const std::string& message) { words += message + "\n"; });
  }
  ~Heard() { set_log_listener({}); }
  std::string words;
};

}  // namespace

TEST_F(IndexTest, ReadsARunOnce) {
  write({});
  write({.seed = 2});
  EXPECT_EQ(open().runs_read(), 2);
  RunIndex again = open();
  EXPECT_EQ(again.runs_read(), 0);
  EXPECT_EQ(count_of(again, "SELECT count(*) FROM run WHERE arm = 'plain' AND dataset = 'Balls'"), 2);
  EXPECT_EQ(count_of(again, "SELECT count(*) FROM curve WHERE name = 'loss' AND value IS NULL"), 2);
  EXPECT_EQ(count_of(again, "SELECT round(1000 * mean) FROM score WHERE metric = 'dice' AND class = 0 AND seed = 2"),
            850);
  EXPECT_EQ(count_of(again, "SELECT round(10 * mean) FROM score WHERE metric = 'hd95' AND class = 1 AND seed = 1"), 15);
}

TEST_F(IndexTest, ReadsOnlyWhatChanged) {
  write({.arm = "plain"});
  write({.arm = "other"});
  open();
  write({.arm = "other", .dice = {0.1, 0.3}});
  RunIndex index = open();
  EXPECT_EQ(index.runs_read(), 1);
  EXPECT_EQ(leaderboard(index, {}).tables.at(0).entries.at(1).mean, 0.2);
}

TEST_F(IndexTest, ForgetsWhatIsGone) {
  write({});
  write({.arm = "other"});
  write({.study = "second"});
  open();
  std::filesystem::remove_all(folder_of({.arm = "other"}).path());
  std::filesystem::remove_all(runs / "second");
  RunIndex index = open();
  EXPECT_EQ(index.runs_read(), 0);
  EXPECT_EQ(count_of(index, "SELECT count(*) FROM run"), 1);
  EXPECT_EQ(count_of(index, "SELECT count(*) FROM study"), 1);
  EXPECT_EQ(count_of(index, "SELECT count(DISTINCT run) FROM metric"), 1);
  EXPECT_EQ(count_of(index, "SELECT count(DISTINCT run) FROM curve"), 1);
}

TEST_F(IndexTest, IsMadeAnewWhereItIsMissingDamagedOrOfAnotherVersion) {
  write({});
  write({.arm = "other"});
  open();
  const std::string whole = read_file(file);
  const auto expect_rebuilt = [&](const std::string& what) {
    RunIndex index = open();
    EXPECT_EQ(count_of(index, "SELECT count(*) FROM metric"), 8) << what;
    EXPECT_EQ(index.runs_read(), 2) << what;
    EXPECT_EQ(open().runs_read(), 0) << what << ": it is kept again";
  };
  std::filesystem::remove(file);
  expect_rebuilt("removed");
  write_file(file, std::string("no database at all, but somebody's notes"));
  expect_rebuilt("other content");
  write_file(file, whole.substr(0, whole.size() / 3));
  expect_rebuilt("cut short");
  write_file(file, whole.substr(0, 4096) + std::string(whole.size() - 4096, '\0'));
  expect_rebuilt("zeros");
  Database(file).execute("PRAGMA user_version = 999; DROP TABLE curve");
  expect_rebuilt("of a later lamina");
  Database(file).execute("DROP VIEW score; DROP TABLE metric");
  expect_rebuilt("without a table");
}

TEST_F(IndexTest, DoesWithoutAFileWhereTheFileSystemRefuses) {
  write({});
  make_folder(file);  // nothing can be written under this name
  const Heard heard;
  RunIndex index = open();
  EXPECT_EQ(count_of(index, "SELECT count(*) FROM run"), 1);
  EXPECT_THAT(heard.words, HasSubstr("index.sqlite cannot be kept (unable to open database file)"));
  EXPECT_EQ(std::count(heard.words.begin(), heard.words.end(), '\n'), 1);
}

TEST_F(IndexTest, SeveralProcessesMayOpenItAtOnce) {
  constexpr int kRuns = 70, kProcesses = 4;
  for (int seed = 0; seed < kRuns; ++seed) write({.seed = seed});
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    RunIndex index = open();
    _exit(count_of(index, "SELECT count(*) FROM run") == kRuns ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  RunIndex index = open();
  EXPECT_EQ(index.runs_read(), 0);
  EXPECT_EQ(count_of(index, "SELECT count(*) FROM metric"), 4 * kRuns);
}

TEST_F(IndexTest, ADamagedRunHidesNoOther) {
  write({});
  write_file(write({.arm = "status"}).status_file(), std::string("{\"state\": "));
  write_file(write({.arm = "scores"}).metrics(), std::string("case,dice\nx,1\n"));
  std::filesystem::remove(write({.arm = "experiment"}).experiment());
  EXPECT_THAT(states(), ElementsAre("first/experiment 1 damaged", "first/plain 1 done", "first/scores 1 damaged",
                                    "first/status 1 damaged"));
  RunIndex index = open();
  const auto study = run_states(index, "first", 0).at(0);
  EXPECT_THAT(study.runs[0].reason, HasSubstr("experiment.resolved.json"));
  EXPECT_THAT(study.runs[2].reason, HasSubstr("metrics.csv: no table of metrics"));
  EXPECT_THAT(study.runs[3].reason, HasSubstr("status.json is damaged"));
  const Leaderboard board = leaderboard(index, {});
  EXPECT_THAT(board.tables.at(0).entries, SizeIs(1));
  EXPECT_THAT(board.warnings.at(0), HasSubstr("3 runs are damaged and left out"));
}

TEST_F(IndexTest, ADamagedPlanIsNamedAndItsRunsAreThere) {
  write({});
  write_file(runs / "first" / "plan.json", std::string("{\"name\": 3"));
  RunIndex index = open();
  const auto study = run_states(index, "", 0).at(0);
  EXPECT_THAT(study.problem, HasSubstr("plan.json is damaged"));
  EXPECT_EQ(study.count("done"), 1);
}

TEST_F(IndexTest, KnowsWhatAPlanPromises) {
  write({});
  write_plan("first", {{}, {.arm = "other"}, {.arm = "other", .seed = 2}});
  EXPECT_THAT(states(), ElementsAre("first/other 1 queued", "first/other 2 queued", "first/plain 1 done"));
  RunIndex index = open();
  EXPECT_EQ(count_of(index, "SELECT count(*) FROM axis WHERE arm = 'other' AND path = 'model.arm' AND value = 'other'"),
            1);
  RunStatus status = folder_of({}).status();
  status.hashes.evaluate = "older";
  folder_of({}).set_status(status);
  EXPECT_THAT(states(), ElementsAre("first/other 1 queued", "first/other 2 queued", "first/plain 1 queued"))
      << "a result of an older plan";
}

TEST_F(IndexTest, TakesNamesAsTheyAre) {
  const MadeUpRun odd{.study = "it's \"odd\"; DROP TABLE run; --", .arm = "it's ?1 %s"};
  write(odd);
  EXPECT_EQ(board({.study = odd.study}).tables.at(0).entries.at(0).arm, odd.arm);
}

TEST_F(IndexTest, NeedsAFolderOfRuns) {
  std::filesystem::remove_all(runs);
  EXPECT_THAT([&] { open(); }, ThrowsMessage<ConfigError>(HasSubstr("there is no such folder of runs; give --runs")));
  EXPECT_FALSE(std::filesystem::exists(runs));
  make_folder(runs);
  EXPECT_THAT(states(), IsEmpty());
}

}  // namespace lamina::engine::testing
