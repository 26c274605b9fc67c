// The report's numbers in other formats, its figures' cells, its pictures of pairs, and what must not leak.
#include "report_fixture.hpp"

#include "engine/report/class_scores.hpp"
#include "engine/report/heat_map.hpp"
#include "engine/report/host_paths.hpp"
#include "engine/report/paper_table.hpp"
#include "engine/report/plot_axis.hpp"
#include "engine/report/plots.hpp"
#include "engine/report/report.hpp"

#include <lamina/base/error.hpp>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// Scores without chance: the arm "better" gains 0.02 in class 1 and 0.06 in class 2 of every case, and case 0 loses.
class ExactStudy : public MadeUpStudy {
 protected:
  StudyData study() const {
    StudyData made = read_study_folder(folder);
    for (auto& arm : made.arms) {
      for (auto& run : arm.runs) {
        for (auto& row : run.rows) {
          if (row.metric != "dice") continue;
          const int number = row.case_id.back() - '0';
          row.value = 0.5 + 0.05 * number;
          if (arm.name == "better") row.value += number == 0 ? -0.1 : 0.04 * static_cast<double>(row.class_id) - 0.02;
        }
      }
    }
    return made;
  }
};

std::string line_with(const std::string& text, const std::string& part) {
  for (const auto& line : split(text, '\n')) {
    if (line.find(part) != std::string::npos) return line;
  }
  return "";
}

TEST_F(ExactStudy, ComparesClassByClassAndCaseByCase) {
  const StudyData data = study();
  const StudySummary numbers = summary(data);
  const ArmSummary& better = numbers.arms[1];
  EXPECT_NEAR(*better.classes.at(1).difference, (7 * 0.02 - 0.1) / 8, 1e-9);
  EXPECT_NEAR(*better.classes.at(2).difference, (7 * 0.06 - 0.1) / 8, 1e-9);
  EXPECT_FALSE(numbers.baseline().classes.at(1).difference);
  EXPECT_EQ(better.classes.at(1).missed, 1);
  EXPECT_EQ(better.classes.at(1).hallucinated, 0);
  EXPECT_TRUE(numbers.arms[3].classes.empty());
  const auto changes = case_changes(numbers, 1);
  ASSERT_THAT(changes, SizeIs(8));
  EXPECT_EQ(changes.front().id, "case_0");
  EXPECT_NEAR(changes.front().gain, -0.1, 1e-9);
  EXPECT_NEAR(changes.back().gain, 0.04, 1e-9);
  EXPECT_THAT(case_changes(numbers, 0), SizeIs(0));
  EXPECT_THAT(case_changes(numbers, 3), SizeIs(0));
}

TEST_F(ExactStudy, TurnsGainsAroundWhereLessIsBetter) {
  const auto changes =
      changes_between({{"a", 3}, {"b", 5}, {"c", std::nan("")}}, {{"a", 1}, {"b", 9}, {"c", 1}}, false);
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_EQ(changes[0].id, "b");
  EXPECT_EQ(changes[0].gain, -4);
  EXPECT_EQ(changes[1].gain, 2);
}

TEST_F(ExactStudy, PrintsTheNumberInEveryCellOfTheMap) {
  const StudyData data = study();
  const std::string map = class_heat_map(summary(data));
  for (const std::string part :
       {">+0.005</text>", ">+0.040</text>", "<title>better, all: +0.02", ">+0.000</text>", ">large</text>",
        ">all</text>", "<desc>From +0.000 (same, large) to +0.040 (better, small).</desc>"}) {
    EXPECT_THAT(map, HasSubstr(part));
  }
  EXPECT_THAT(map, Not(HasSubstr(">plain</text>")));  // the baseline is what they are compared with
}

TEST_F(MadeUpStudy, MarksPairsThatDiffer) {
  const StudyData study = read_study_folder(folder);
  const StudySummary numbers = summary(study);
  ASSERT_THAT(numbers.pairs, SizeIs(3));
  EXPECT_EQ(numbers.pairs[0].variant, 1u);
  EXPECT_EQ(numbers.pairs[0].reference, 0u);
  EXPECT_EQ(numbers.pairs[0].found.verdict, Verdict::Better);
  EXPECT_NEAR(numbers.pairs[0].found.difference.mean, numbers.arms[1].metrics.at("dice").difference->difference.mean,
              1e-12);
  EXPECT_THAT(pair_heat_map(numbers), AllOf(ContainsRegex("better, plain: \\+0.05"),
                                            ContainsRegex(">\\+0.05.\\*</text>"), ContainsRegex(">-0.05.\\*</text>")));
}

TEST_F(ExactStudy, WritesItsLatexRow) {
  const StudyData data = study();
  const std::string table = latex_table(data, summary(data));
  EXPECT_THAT(table, StartsWith("% \\usepackage{booktabs}\n\\begin{table}\n"));
  EXPECT_THAT(table, HasSubstr("\\begin{tabular}{lrrrrr}\n\\toprule\n"));
  EXPECT_EQ(line_with(table, "arm &"),
            "arm & dice $\\uparrow$ & difference {[}95 \\% CI] & p (Holm) & verdict & parameters that train \\\\");
  EXPECT_EQ(line_with(table, "plain &"), "plain & 0.6750 $\\pm$ 0.1225 & baseline & - & - & 12.3 k \\\\");
  EXPECT_EQ(line_with(table, "better &"),
            "better & 0.6975 $\\pm$ 0.1564 & +0.0225 {[}$-$0.0189, +0.0639] & 0.48 & inconclusive & 12.3 k \\\\");
  EXPECT_EQ(line_with(table, "broken &"), "broken & - & - & - & - & - \\\\");
  EXPECT_THAT(table, HasSubstr("\\bottomrule\n\\end{tabular}\n\\end{table}\n"));
}

TEST_F(ExactStudy, WritesItsMarkdownRow) {
  StudyData data = study();
  data.compare.secondary = {"hd95"};
  const std::string table = markdown_table(data, summary(data));
  EXPECT_EQ(line_with(table, "| ---"), "| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
  EXPECT_THAT(line_with(table, "| arm"), HasSubstr("| hd95 (mm) \u2193 | parameters that train |"));
  EXPECT_THAT(line_with(table, "| better"),
              StartsWith("| better | 0.6975 \u00b1 0.1564 | +0.0225 \\[-0.0189, +0.0639\\] | 0.48 | inconclusive | "));
}

TEST_F(MadeUpStudy, IsBoldOnlyWhereTheLeadIsSure) {
  const StudyData data = read_study_folder(folder);
  EXPECT_THAT(markdown_table(data, summary(data)), HasSubstr("| **better** | **0.9"));
  EXPECT_THAT(latex_table(data, summary(data)), HasSubstr("\\textbf{better} & \\textbf{0.9"));
}

TEST_F(MadeUpStudy, KeepsNamesThatMeanSomethingElsewhere) {
  StudyData data = read_study_folder(folder);
  data.arms[1].name = "a<b", data.arms[2].name = "50%_x&y";
  EXPECT_THAT(render(data), AllOf(HasSubstr("a&lt;b"), HasSubstr("50%_x&amp;y"), Not(HasSubstr("a<b"))));
  EXPECT_THAT(latex_table(data, summary(data)), AllOf(HasSubstr("a$<$b"), HasSubstr("50\\%\\_x\\&y &")));
  EXPECT_THAT(markdown_table(data, summary(data)), AllOf(HasSubstr("a\\<b"), HasSubstr("| 50%\\_x\\&y |")));
  EXPECT_THAT(results_csv(data), AllOf(HasSubstr("\na<b,1,case_0,"), HasSubstr("\n50%_x&y,1,case_0,")));
  EXPECT_EQ(ConfigNode::parse(stats_json(data, summary(data))).at("arms").at(2).at("name").as_text(), "50%_x&y");
}

TEST(PaperTable, EscapesWhatLatexAndMarkdownRead) {
  EXPECT_EQ(escape_latex("a\\b{c}$d^e~f#g|h\"i\n[*"),
            "a\\textbackslash{}b\\{c\\}\\$d\\textasciicircum{}e\\textasciitilde{}f\\#g\\textbar{}h''i {[}{*}");
  EXPECT_EQ(escape_markdown("a|b*c`d\n[e]"), "a\\|b\\*c\\`d \\[e\\]");
}

TEST_F(MadeUpStudy, OffersItsTablesAsFiles) {
  const std::string page = render(read_study_folder(folder));
  EXPECT_THAT(page, AllOf(HasSubstr("download=\"results.csv\" href=\"data:text/csv;charset=utf-8;base64,YXJtLHNlZWQs"),
                          HasSubstr("download=\"made_up.tex\" href=\"data:text/plain"),
                          HasSubstr("download=\"made_up.md\" href=\"data:text/plain")));
}

TEST_F(MadeUpStudy, HasEveryFigure) {
  const std::string page = render(read_study_folder(folder));
  for (const std::string part :
       {"Every arm against every other", "Case by case against the baseline", "Who gained, who lost",
        "learning rate over", "seconds an epoch over", "dice against parameters that train",
        "dice against peak memory, MiB", "Cases of every arm in class large", "Missed and invented, by class",
        "<b>gained most</b>"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  size_t figures = 0, titles = 0;
  for (size_t at = 0; (at = page.find("<svg", at)) != std::string::npos; ++at) {
    ++figures;
    titles += page.compare(page.find('>', at) + 1, 7, "<title>") == 0 ? 1 : 0;
  }
  EXPECT_GE(figures, 15u);
  EXPECT_EQ(figures, titles);
}

TEST_F(MadeUpStudy, ShowsWhereArmsDifferInTheSameSlice) {
  const StudyData study = read_study_folder(folder);
  const MetricInfo dice{"dice", "", "", true};
  const auto pairs = overlay_pairs(study.arms[1], study.arms[0], dice, dataset);
  ASSERT_THAT(pairs, SizeIs(1));  // nothing was lost
  EXPECT_EQ(pairs[0].role, "gained most");
  EXPECT_EQ(pairs[0].before.role, "plain");
  EXPECT_EQ(pairs[0].before.slice, pairs[0].after.slice);
  EXPECT_GT(pairs[0].after.value, pairs[0].before.value);
  EXPECT_THAT(pairs[0].after.image, StartsWith("data:image/png;base64,"));
  EXPECT_NE(pairs[0].before.image, pairs[0].after.image);
  EXPECT_THAT(overlay_pairs(study.arms[0], study.arms[0], dice, dataset), SizeIs(0));
  EXPECT_THAT(overlay_pairs(study.arms[3], study.arms[0], dice, dataset), SizeIs(0));
}

TEST(Overlay, TintsWhatIsWrong) {
  Case one = ball_case("a", 0);
  one.images.primary().voxels.fill_(0);
  const torch::Tensor right = draw_overlay(one, one.labels.primary(), 4);
  const torch::Tensor wrong = draw_overlay(one, ball_case("a", 6).labels.primary(), 4);
  const auto count = [](const torch::Tensor& picture, int64_t red, int64_t green, int64_t blue) {
    const auto hit = (picture.select(2, 0) == red) & (picture.select(2, 1) == green) & (picture.select(2, 2) == blue);
    return hit.sum().item<int64_t>();
  };
  EXPECT_EQ(count(right, 102, 63, 0), 0);  // two fifths of the prediction's orange over black
  EXPECT_GT(count(wrong, 102, 63, 0), 100);
  EXPECT_EQ(count(right, 69, 145, 186), 0);  // four fifths of the reference's blue
  EXPECT_GT(count(wrong, 69, 145, 186), 100);
}

TEST(Overlay, IsDrawnLessOftenInLargeStudies) {
  const auto total = [](size_t arms) {
    const PictureCounts counts = picture_counts(arms);
    return arms * (counts.extremes + 2 * counts.pairs);
  };
  EXPECT_EQ(picture_counts(2).pairs, 2u);
  EXPECT_EQ(picture_counts(14).extremes, 3u);
  EXPECT_EQ(picture_counts(40).extremes, 1u);
  for (size_t arms = 1; arms <= 100; ++arms) EXPECT_LE(total(arms), 100u) << arms;
}

TEST(HeatMap, IsBlueForGainsAndOrangeForLosses) {
  EXPECT_EQ(diverging_colour(0), "#ffffff");
  EXPECT_EQ(diverging_colour(1), "#005c9e");
  EXPECT_EQ(diverging_colour(-1), "#b04800");
  EXPECT_EQ(diverging_colour(-0.5), "#d8a480");
  EXPECT_EQ(diverging_colour(7), "#005c9e");
}

TEST(ShortNames, DropWhatAllCasesShare) {
  EXPECT_EQ(ShortNames({"case_003", "case_014"}).of("case_014"), "014");
  EXPECT_EQ(ShortNames({"case13", "case14"}).of("case13"), "13");
  EXPECT_EQ(ShortNames({"case_1", "case_12"}).of("case_12"), "12");
  EXPECT_EQ(ShortNames({"left", "lead"}).of("lead"), "lead");
  EXPECT_EQ(ShortNames({"a_1", "a_1_b"}).of("a_1"), "1");
  EXPECT_EQ(ShortNames({"alone_1"}).of("alone_1"), "alone_1");
}

TEST(Axis, HasRoundTicksOnALogarithmicScaleToo) {
  EXPECT_THAT((Axis{8, 1200, 0, 1, true}.ticks(3)), ElementsAre(10, 100, 1000));
  EXPECT_THAT((Axis{9, 60, 0, 1, true}.ticks(5)), ElementsAre(10, 20, 50));
  EXPECT_THAT((Axis{200, 400, 0, 1, true}.ticks(5)), ElementsAre(200, 250, 300, 350, 400));
  EXPECT_THAT((Axis{1, 100, 0, 10, true}.at(10)), DoubleNear(5, 1e-12));
}

TEST(HostPaths, StayAtHome) {
  EXPECT_EQ(without_folders("no file '/home/J. Doe/data/a.nii'; see /tmp/x/log."), "no file '.../a.nii'; see .../log.");
  EXPECT_EQ(without_folders("{\"root\": \"/data/Task 4/\", \"n\": 1}"), "{\"root\": \".../Task 4\", \"n\": 1}");
  EXPECT_EQ(without_folders("1/2, a/b/c, https://example.org/x/y and <b>bold</b>"),
            "1/2, a/b/c, https://example.org/x/y and <b>bold</b>");
  EXPECT_EQ(without_folders("/only"), "/only");
  EXPECT_EQ(without_folders("\"/open/quote"), "\".../quote");
}

TEST_F(MadeUpStudy, NamesNoFolderOfItsMachine) {
  StudyData data = read_study_folder(folder);
  data.arms[1].changes = {{"weights", "", "[{\"file\": \"/secret/place/w.pth\"}]"}};
  data.arms[3].runs[0].status.error = "cannot read /secret/place/c.nii";
  data.warnings = {"'/secret/place/split.json' has no fold"};
  EXPECT_THAT(render(data), AllOf(Not(HasSubstr("secret")), HasSubstr(".../w.pth"), HasSubstr(".../c.nii")));
}

TEST(ReportFormat, IsOneOfFive) {
  EXPECT_EQ(report_format("latex"), ReportFormat::Latex);
  EXPECT_THAT([] { report_format("ltex"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("'ltex'"), HasSubstr("did you mean 'latex'?"))));
}

}  // namespace lamina::engine::testing
