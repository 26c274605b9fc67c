// What the report says about a made-up study whose truth is known.
#include "report_fixture.hpp"

#include "engine/report/data_uri.hpp"
#include "engine/report/plots.hpp"
#include "engine/report/svg.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/error.hpp>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

TEST_F(MadeUpStudy, IsReadBackFromItsFolder) {
  const StudyData study = read_study_folder(folder);
  ASSERT_THAT(study.arms, SizeIs(4));
  EXPECT_THAT(study.arms[0].done(), SizeIs(2));
  EXPECT_EQ(study.arms[3].runs[0].status.state, "failed");
  EXPECT_EQ(study.arms[3].runs[1].status.state, "queued");
  EXPECT_THAT(study.arms[0].runs[0].curves.at("val_dice"), SizeIs(20));
  EXPECT_TRUE(std::isnan(study.arms[0].runs[0].curves.at("val_dice")[0]));
}

TEST_F(MadeUpStudy, TakesNoResultOfAnOlderPlan) {
  RunStatus status = RunFolder(folder / "plain-s1").status();
  status.hashes.evaluate = "older";
  RunFolder(folder / "plain-s1").set_status(status);
  EXPECT_THAT(read_study_folder(folder).arms[0].done(), SizeIs(1));
}

TEST_F(MadeUpStudy, NeedsAPlan) {
  EXPECT_THAT([&] { read_study_folder(folder / "plain-s1"); }, ThrowsMessage<DataError>(HasSubstr("plan.json")));
  write_file(folder / "plan.json", "{");
  EXPECT_THAT([&] { read_study_folder(folder); }, ThrowsMessage<DataError>(HasSubstr("damaged")));
}

TEST_F(MadeUpStudy, AveragesOverClassesThenSeedsThenCases) {
  const StudyData study = read_study_folder(folder);
  const StudySummary numbers = summary(study);
  const MetricSummary& plain = numbers.baseline().metrics.at("dice");
  EXPECT_EQ(numbers.primary().name, "dice");
  EXPECT_EQ(numbers.cases, 8);
  EXPECT_NEAR(plain.mean, 0.805 - 0.015 + 0.07, 0.002);
  EXPECT_NEAR(plain.sd_seeds, 0.01 / std::sqrt(2.0), 0.002);
  EXPECT_NEAR(plain.classes.at(1) - plain.classes.at(2), 0.01, 1e-6);
  EXPECT_FALSE(plain.difference);
  EXPECT_EQ(numbers.baseline().missed, 2);
  EXPECT_EQ(numbers.arms[numbers.best].arm->name, "better");
}

TEST_F(MadeUpStudy, ComparesPairsOfCases) {
  const StudyData study = read_study_folder(folder);
  const StudySummary numbers = summary(study);
  const ArmComparison found = *numbers.arms[1].metrics.at("dice").difference;
  EXPECT_NEAR(found.difference.mean, 0.05, 0.002);
  EXPECT_EQ(found.difference.units, 8);
  EXPECT_EQ(found.difference.seeds, 2);
  EXPECT_GT(found.interval.low, 0.01);
  const ArmComparison distance = *numbers.arms[1].metrics.at("hd95").difference;
  EXPECT_EQ(distance.difference.units, 7);
  EXPECT_EQ(distance.dropped, 1);
  EXPECT_EQ(found.verdict, Verdict::Better);
  EXPECT_EQ(distance.verdict, Verdict::Better);  // smaller is better
  EXPECT_EQ(numbers.arms[2].metrics.at("dice").difference->verdict, Verdict::Inconclusive);
}

TEST_F(MadeUpStudy, OrdersItsArmsAndSaysHowSureItIs) {
  const StudyData study = read_study_folder(folder);
  const StudySummary numbers = summary(study);
  EXPECT_THAT(numbers.ranked, ElementsAre(0, 1, 2));  // the fourth has no result
  ASSERT_THAT(numbers.ranking.arms, SizeIs(3));
  EXPECT_EQ(numbers.ranking.arms[1].rank, 1);
  EXPECT_EQ(numbers.ranking.arms[1].best, 1);
  EXPECT_LT(numbers.ranking.tau, 1);
}

TEST_F(MadeUpStudy, CountsPatientsWhereGroupsHoldSeveralCases) {
  StudyData study = read_study_folder(folder);
  for (auto& arm : study.arms) {
    for (auto& run : arm.runs) {
      for (auto& row : run.rows) row.group = row.case_id < "case_4" ? "patient_a" : row.case_id;
    }
  }
  StudySummary numbers = summary(study);
  EXPECT_EQ(numbers.unit, "patient");
  EXPECT_EQ(numbers.arms[1].metrics.at("dice").difference->difference.units, 5);
  study.compare.unit = "case";
  numbers = summary(study);
  EXPECT_EQ(numbers.unit, "case");
  EXPECT_EQ(numbers.arms[1].metrics.at("dice").difference->difference.units, 8);
}

// Each fold tests other cases: they are pooled by seed, and no mean of folds is averaged.
TEST_F(MadeUpStudy, PoolsTheFoldsOfASeed) {
  StudyData study = read_study_folder(folder);
  for (auto& arm : study.arms) {
    for (auto& run : arm.runs) {
      run.fold = run.seed - 1;
      std::erase_if(run.rows, [&](const MetricRow& row) { return (row.case_id < "case_3") == (run.seed == 1); });
      run.seed = 1;
    }
  }
  const StudySummary numbers = summary(study);
  const ArmComparison found = *numbers.arms[1].metrics.at("dice").difference;
  EXPECT_EQ(numbers.cases, 8);
  EXPECT_EQ(found.difference.units, 8);
  EXPECT_EQ(found.difference.seeds, 1);
  EXPECT_THAT(numbers.arms[1].metrics.at("dice").seed_means, SizeIs(1));
}

TEST_F(MadeUpStudy, ListsWhatTheDesignLeavesOut) {
  StudyData study = read_study_folder(folder);
  study.dropped = {{"tta=mirror", "the constraint \"tta == 'none'\" forbids it"}};
  EXPECT_THAT(render(study), AllOf(HasSubstr("<b>tta=mirror</b>"), HasSubstr("forbids it")));
}

TEST_F(MadeUpStudy, CallsWhatLiesInTheMarginEquivalent) {
  StudyData study = read_study_folder(folder);
  study.compare.rope = 0.2;
  const Sentences sentences = sentences_of(summary(study), study.compare);
  EXPECT_THAT(sentences.arms[0], HasSubstr("equivalent: whatever the difference is, it is smaller than the 0.2000"));
  study.compare.rope = 0.045;
  EXPECT_THAT(sentences_of(summary(study), study.compare).arms[0],
              HasSubstr("better, though the difference may be smaller than the 0.0450 that matter"));
}

TEST_F(MadeUpStudy, SaysHowManyCasesItWouldTake) {
  const StudyData study = read_study_folder(folder);
  EXPECT_THAT(sentences_of(summary(study), study.compare).arms[1],
              AllOf(HasSubstr("no difference that these 8 cases and 2 seeds can show"),
                    HasSubstr("To see a difference of this size in four of five repetitions")));
}

TEST_F(MadeUpStudy, ShowsSecondaryMetricsAndHowItJudges) {
  StudyData study = read_study_folder(folder);
  EXPECT_THAT(render(study), Not(HasSubstr("<h3>Other metrics</h3>")));
  study.compare.secondary = {"hd95"};
  study.compare.test = "wilcoxon", study.compare.ci = "bca";
  EXPECT_THAT(render(study),
              AllOf(HasSubstr("<h3>Other metrics</h3>"), HasSubstr("BCa bootstrap of the mean difference"),
                    HasSubstr("signed ranks, zeros dropped, after Holm"), HasSubstr("How sure is the order?"),
                    HasSubstr("its intervals are too narrow")));
}

TEST_F(MadeUpStudy, HasItsVerdictInWords) {
  const StudyData study = read_study_folder(folder);
  const Sentences sentences = sentences_of(summary(study), study.compare);
  EXPECT_THAT(sentences.headline,
              AllOf(HasSubstr("better is best"), HasSubstr("8 test cases"), HasSubstr("larger than")));
  EXPECT_THAT(sentences.arms,
              ElementsAre(HasSubstr("): better."), HasSubstr("): inconclusive"), "broken has no result."));
}

TEST_F(MadeUpStudy, TellsWhatAReaderMustKnow) {
  StudyData study = read_study_folder(folder);
  const auto caveats = caveats_of(summary(study), study);
  EXPECT_THAT(caveats, Contains("mind the gap"));
  EXPECT_THAT(caveats, Contains(HasSubstr("only 8 test cases: intervals are wide, and the t interval takes")));
  EXPECT_THAT(caveats, Contains(HasSubstr("'broken', seed 2 is not finished")));
  study.compare.ci = "bootstrap";
  EXPECT_THAT(caveats_of(summary(study), study), Contains(HasSubstr("wider in truth than the bootstrap says")));
}

TEST_F(MadeUpStudy, IsOnePageWithoutScriptsOrLinks) {
  const std::string page = render(read_study_folder(folder));
  for (const std::string part : {"made_up", "Is &lt;better&gt; better?", "nobody&apos;s &lt;data&gt;",
                                 "case 7: NaN in &lt;image&gt;", "<svg", "data:image/png;base64,iVBOR", "<b>best</b>",
                                 "<b>median</b>", "<b>worst</b>", "model.encoder.residual", "1.2.3"}) {
    EXPECT_TRUE(page.find(part) != std::string::npos) << part;
  }
  for (const std::string part : {"<script", "href=\"http", "src=\"http", "url(", "{{", "}}", "@import"}) {
    EXPECT_TRUE(page.find(part) == std::string::npos) << part;
  }
}

TEST_F(MadeUpStudy, WritesTablesForOtherPrograms) {
  const StudyData study = read_study_folder(folder);
  const auto lines = split(results_csv(study), '\n');
  EXPECT_EQ(lines.size(), 1 + 6 * 8 * 2 * 2 + 1u);
  EXPECT_EQ(lines[0], "arm,seed,case,group,class,class_name,metric,value,flag");
  EXPECT_THAT(lines[2], HasSubstr("plain,1,case_0,case_0,1,large,hd95,,missed"));
  const ConfigNode stats = ConfigNode::parse(stats_json(study, summary(study)));
  EXPECT_EQ(stats.at("best").as_text(), "better");
  const ConfigNode difference = stats.at("arms").at(1).at("metrics").at("dice").at("difference");
  EXPECT_THAT(difference.at("mean").as_number(), DoubleNear(0.05, 0.002));
  EXPECT_EQ(difference.at("verdict").as_text(), "better");
  EXPECT_LT(difference.at("tests").at("p_corrected").as_number(), 0.05);
  EXPECT_EQ(difference.at("effects").at("wins").as_integer(), 8);
  EXPECT_GE(difference.at("precision").at("units_needed").as_integer(), 2);
  EXPECT_EQ(stats.at("ranking").at("arms").at(1).at("name").as_text(), "better");
  EXPECT_EQ(stats.at("compare").at("correction").as_text(), "holm");
}

TEST(Overlay, TakesTheSliceOfMostDisagreement) {
  torch::Tensor reference = torch::zeros({1, 5, 8, 8}, torch::kInt64), prediction = reference.clone();
  reference[0][1].slice(0, 0, 4) = 1;
  prediction[0][1].slice(0, 0, 4) = 1;
  EXPECT_EQ(slice_of_interest(reference, prediction), 1);  // nothing wrong: most foreground
  prediction[0][3][0][0] = 2;
  EXPECT_EQ(slice_of_interest(reference, prediction), 3);
}

TEST(Overlay, HasSquarePixelsAndBothContours) {
  Case one = ball_case("a", 0);
  one.images.primary().geometry.spacing = {3, 2, 1};
  const torch::Tensor picture = draw_overlay(one, ball_case("a", 4).labels.primary(), 4);
  ASSERT_EQ(picture.dim(), 3);
  EXPECT_EQ(picture.size(2), 3);
  EXPECT_EQ(std::max(picture.size(0), picture.size(1)), 320);
  const auto count = [&](int64_t red, int64_t green, int64_t blue) {
    const auto hit = (picture.select(2, 0) == red) & (picture.select(2, 1) == green) & (picture.select(2, 2) == blue);
    return hit.sum().item<int64_t>();
  };
  EXPECT_GT(count(87, 181, 232), 100);
  EXPECT_GT(count(255, 158, 0), 100);
}

TEST(Overlay, ShowsThePatientsRightOnTheLeft) {
  Case one = ball_case("a", 0);
  const Volume prediction = one.labels.primary();
  const torch::Tensor plain = draw_overlay(one, prediction, 4);
  one.images.primary().geometry.direction = {-1, 0, 0, 0, 1, 0, 0, 0, 1};
  EXPECT_TRUE(torch::equal(draw_overlay(one, prediction, 4), plain.flip({1})));
}

TEST(DataUri, EncodesAsTheStandardSays) {
  EXPECT_EQ(data_uri("image/png", "f"), "data:image/png;base64,Zg==");
  EXPECT_EQ(data_uri("image/png", "fo"), "data:image/png;base64,Zm8=");
  EXPECT_EQ(data_uri("image/png", "foobar"), "data:image/png;base64,Zm9vYmFy");
}

TEST(Svg, HasRoundTicksThatCoverTheInterval) {
  EXPECT_THAT(nice_ticks(0, 1, 5), ElementsAre(0, DoubleNear(0.2, 1e-12), DoubleNear(0.4, 1e-12),
                                               DoubleNear(0.6, 1e-12), DoubleNear(0.8, 1e-12), DoubleNear(1, 1e-12)));
  EXPECT_THAT(nice_ticks(-3, 12, 3), ElementsAre(0, 5, 10));
  EXPECT_THAT(nice_ticks(2, 2, 4), ElementsAre(2));
}

TEST(Svg, BreaksLinesAtUndefinedValues) {
  Svg svg(10, 10, "a <plot>");
  svg.path({{0, 0}, {1, 1}, {2, std::nan("")}, {3, 3}, {4, 4}}, {});
  EXPECT_THAT(svg.str(), AllOf(HasSubstr("M0 0L1 1M3 3L4 4"), HasSubstr("a &lt;plot&gt;")));
}

TEST(Words, KeepUnitsAndSigns) {
  const MetricInfo dice{"dice", "", "", true}, distance{"hd95", "mm", "", false};
  EXPECT_EQ(metric_text(0.84123, dice), "0.8412");
  EXPECT_EQ(metric_text(0.0031, dice, true), "+0.0031");
  EXPECT_EQ(metric_text(3.214, distance), "3.21 mm");
  EXPECT_EQ(metric_text(std::nan(""), dice), "undefined");
  EXPECT_EQ(short_count(2345678), "2.35 M");
  EXPECT_EQ(short_count(999), "999");
}

}  // namespace lamina::engine::testing
