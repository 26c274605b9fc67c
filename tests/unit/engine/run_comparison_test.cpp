// Run folders compared without a study's report, and with its numbers.
#include "index_fixture.hpp"

#include "engine/report/metric_info.hpp"
#include "engine/report/run_comparison.hpp"

#include <lamina/base/error.hpp>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

class CompareTest : public IndexTest {
 protected:
  RunComparison compare(const MadeUpRun& reference, const MadeUpRun& run) const {
    return compare_runs({write(reference).path(), write(run).path()}, registry);
  }
};

TEST_F(CompareTest, HasTheNumbersOfTheReport) {
  const MadeUpRun plain{.dice = {0.5, 0.61, 0.72, 0.8, 0.33}},
      other{.arm = "other", .dice = {0.6, 0.66, 0.7, 0.95, 0.4}};
  const RunFolder a = write(plain), b = write(other);
  write_plan("first", {plain, other});
  std::string plan = read_file(runs / "first" / "plan.json");
  plan.replace(plan.find(R"("primary": "dice")"), 17, R"("primary": "dice", "ci": "bootstrap", "test": "sign_flip")");
  write_file(runs / "first" / "plan.json", plan);

  const StudyData study = read_study_folder(runs / "first");
  EvaluateSection section;
  section.metrics.push_back(component_entry("hd95"));
  const StudySummary report = summarise(study, metric_infos(section, info_from_scores(study), registry));
  const RunComparison made = compare_runs({a.path(), b.path()}, registry);
  EXPECT_EQ(made.study.arms[1].name, "other");
  for (const std::string metric : {"dice", "hd95"}) {
    const ArmComparison &left = *report.arms[1].metrics.at(metric).difference,
                        &right = *made.summary.arms[1].metrics.at(metric).difference;
    EXPECT_EQ(left.difference.mean, right.difference.mean);
    EXPECT_EQ(left.interval.low, right.interval.low);
    EXPECT_EQ(left.interval.high, right.interval.high);
    EXPECT_EQ(left.p_corrected, right.p_corrected);
    EXPECT_EQ(left.verdict, right.verdict);
  }
  EXPECT_NEAR(made.summary.arms[1].metrics.at("dice").difference->difference.mean, 0.07, 1e-9);
}

TEST_F(CompareTest, SaysInWhatTheSettingsDiffer) {
  const auto made = compare({}, {.arm = "other"});
  const auto& changes = made.study.arms[1].changes;
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].path, "model.arm");
  EXPECT_EQ(changes[0].baseline, "\"plain\"");
  EXPECT_EQ(changes[0].arm, "\"other\"");
  EXPECT_THAT(made.warnings, IsEmpty());
}

TEST_F(CompareTest, TakesTheCommonCasesAndNamesTheOthers) {
  const auto made = compare({.dice = {0.5, 0.6, 0.7}}, {.arm = "other", .dice = {0.9, 0.9, 0.9}, .first_case = 1});
  EXPECT_EQ(made.cases, 2);
  EXPECT_THAT(made.dropped, ElementsAre("case_0", "case_3"));
  EXPECT_THAT(made.warnings, ElementsAre(HasSubstr("2 are common, 2 dropped: case_0, case_3")));
  EXPECT_NEAR(made.summary.baseline().metrics.at("dice").mean, 0.65, 1e-12) << "of the common cases";
  EXPECT_EQ(made.summary.arms[1].metrics.at("dice").difference->difference.units, 2);
}

TEST_F(CompareTest, RunsOfTwoSeedsArePairedByCase) {
  const auto made = compare({}, {.seed = 2, .dice = {0.9, 0.8}});
  EXPECT_THAT(made.warnings, ElementsAre(HasSubstr("different seeds")));
  EXPECT_EQ(made.study.arms[1].name, "plain-s2-0123abcd");
  EXPECT_EQ(made.summary.arms[1].metrics.at("dice").difference->difference.units, 2);
}

TEST_F(CompareTest, RunsOfOneNameInTwoStudiesAreToldApart) {
  const auto made = compare({}, {.study = "second", .dice = {0.9, 0.8}});
  EXPECT_THAT(made.study.arms[0].name, HasSubstr("first/plain-s1-0123abcd"));
  EXPECT_THAT(made.study.arms[1].name, HasSubstr("second/plain-s1-0123abcd"));
}

TEST_F(CompareTest, WarnsWhereEmptyMasksCountDifferently) {
  EXPECT_THAT(compare({}, {.arm = "other", .empty = "strict"}).warnings, Contains(HasSubstr("evaluate.empty")));
}

TEST_F(CompareTest, RefusesWhatCannotBeCompared) {
  const auto refusal = [&](std::vector<std::filesystem::path> folders) {
    return [this, folders] { compare_runs(folders, registry); };
  };
  const auto a = write({}).path(), b = write({.arm = "far", .first_case = 7}).path();
  const auto c = write({.arm = "relabelled", .reference = 10}).path(), d = write({.arm = "young"}).path();
  EXPECT_THAT(refusal({a}), ThrowsMessage<ConfigError>(HasSubstr("two run folders or more")));
  EXPECT_THAT(refusal({a, a / ".." / a.filename()}), ThrowsMessage<ConfigError>(HasSubstr("is named twice")));
  EXPECT_THAT(refusal({a, runs / "nowhere"}), ThrowsMessage<ConfigError>(HasSubstr("there is no such run folder")));
  EXPECT_THAT(refusal({a, runs}), ThrowsMessage<DataError>(HasSubstr("is no run's folder")));
  EXPECT_THAT(refusal({a, b}), ThrowsMessage<DataError>(HasSubstr("no test case in common")));
  EXPECT_THAT(refusal({a, c}), ThrowsMessage<DataError>(AllOf(HasSubstr("no test case in common"),
                                                              HasSubstr("2 cases have one name and different"))));
  std::filesystem::remove(RunFolder(d).status_file());
  EXPECT_THAT(refusal({a, d}), ThrowsMessage<DataError>(HasSubstr("its state is 'queued'")));
}

}  // namespace lamina::engine::testing
