// Rows, policies for empty masks, names, aggregates, metrics.csv and summary.json, with two small metrics of its own.
#include "engine/evaluate/evaluation.hpp"

#include "engine/evaluate/policy.hpp"
#include "evaluation_fixture.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina::engine {
using namespace probe;
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Evaluator, GivesOneRowPerMetricAndForegroundClass) {
  const auto rows = evaluator({"dice", "gap"}).score(volume({1, 1, 2, 0}), labelled("a", {1, 0, 2, 2}));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].metric, "dice");
  EXPECT_EQ(rows[1].class_id, 2);
  EXPECT_EQ(rows[1].class_name, "tail");
  EXPECT_EQ(rows[0].group, "patient a");
  EXPECT_DOUBLE_EQ(rows[0].value, 2.0 / 3);
  EXPECT_EQ(rows[0].counts.both, 1);
  EXPECT_EQ(rows[0].counts.voxels, 4);
  EXPECT_EQ(rows[0].flag, "ok");
}

TEST(Evaluator, NamesMetricsByWhatTellsThemApart) {
  const auto parse = [](const char* json) { return ConfigNode::parse(json); };
  const Evaluator one(
      {parse(R"("dice")"), parse(R"({"type": "gap", "limit_mm": 2.5})"), parse(R"({"type": "gap", "mode": "last"})"),
       parse(R"({"type": "gap", "id": "mine"})"), parse(R"({"type": "gap", "limit_mm": 3, "mode": "last"})")},
      "nnunet", info(), registry());
  EXPECT_THAT(one.names, ElementsAre("dice", "gap@2.5mm", "gap@1mm_last", "mine", "gap@3mm_last"));
}

TEST(Evaluator, RefusesDuplicateNamesUnknownPoliciesAndEmptyLists) {
  EXPECT_THROW(evaluator({"dice", "dice"}), ConfigError);
  EXPECT_THROW(evaluator({}), ConfigError);
  try {
    evaluator({"dice"}, "nnunett");
    FAIL() << "an unknown policy was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'nnunet'"));
  }
}

TEST(Evaluator, RefusesOtherGridsNamingBoth) {
  const auto one = evaluator({"dice"});
  EXPECT_THROW(one.score(volume({1, 0}), labelled("a", {1, 0, 0})), DataError);
  Volume moved = volume({1, 0, 0});
  moved.geometry.origin[0] += 0.09;
  EXPECT_NO_THROW(one.score(moved, labelled("a", {1, 0, 0})));
  moved.geometry.origin[0] += 0.02;
  try {
    one.score(moved, labelled("a", {1, 0, 0}));
    FAIL() << "a shift by more than 0.1 voxel was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("case 'a'"));
    EXPECT_THAT(error.what(), HasSubstr("prediction: "));
    EXPECT_THAT(error.what(), HasSubstr("reference: "));
  }
}

TEST(Evaluator, ComparesSpacingToo) {
  Volume stretched = volume({1, 0, 0});
  stretched.geometry.spacing[2] = 1.5;
  EXPECT_THROW(evaluator({"dice"}).score(stretched, labelled("a", {1, 0, 0})), DataError);
}

/// What a policy makes of class 1 for "dice" or "gap".
struct Expected {
  std::string policy, metric, flag;
  double value;
};

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

TEST(EmptyMasks, FollowEveryPolicyAsInTheTable) {
  const double far = std::hypot(4 * 1.0, 1.0);  // [1, 1, 1, 4] voxels of 1 mm: flat, so 4 x 1
  const std::vector<Expected> table{
      {"nnunet", "dice", "absent", kNan},       {"nnunet", "dice", "missed", 0},
      {"nnunet", "dice", "hallucinated", 0},    {"nnunet", "gap", "absent", kNan},
      {"nnunet", "gap", "missed", kNan},        {"nnunet", "gap", "hallucinated", kNan},
      {"monai", "dice", "absent", kNan},        {"monai", "dice", "missed", 0},
      {"monai", "dice", "hallucinated", kNan},  {"monai", "gap", "missed", kNan},
      {"transunet", "dice", "absent", 0},       {"transunet", "dice", "missed", 0},
      {"transunet", "dice", "hallucinated", 1}, {"transunet", "gap", "missed", 0},
      {"transunet", "gap", "hallucinated", 0},  {"strict", "dice", "absent", 1},
      {"strict", "dice", "missed", 0},          {"strict", "dice", "hallucinated", 0},
      {"strict", "gap", "absent", 0},           {"strict", "gap", "missed", far},
      {"strict", "gap", "hallucinated", far},
  };
  const std::vector<int64_t> none{0, 0, 0, 0}, some{0, 1, 0, 0};
  for (const auto& one : table) {
    const auto& predicted = one.flag == "hallucinated" ? some : none;
    const auto& truth = one.flag == "missed" ? some : none;
    const auto row = evaluator({one.metric}, one.policy).score(volume(predicted), labelled("a", truth)).at(0);
    const std::string what = one.policy + " " + one.metric + " " + one.flag;
    EXPECT_EQ(row.flag, one.flag) << what;
    if (std::isnan(one.value)) {
      EXPECT_TRUE(std::isnan(row.value)) << what;
    } else {
      EXPECT_DOUBLE_EQ(row.value, one.value) << what;
    }
  }
}

TEST(EmptyMasks, MonaiKeepsSurfaceDiceAndMakesPlainHausdorffInfinite) {
  EXPECT_EQ(with_policy("monai", 0, "hallucinated", {"nsd", true, 0}), 0);
  EXPECT_EQ(with_policy("monai", kNan, "missed", {"hd", false, 9}), kInfinity);
  EXPECT_TRUE(std::isnan(with_policy("monai", kNan, "absent", {"hd", false, 9})));
  EXPECT_TRUE(std::isnan(with_policy("monai", kNan, "missed", {"hd95", false, 9})));
}

TEST(EmptyMasks, LeaveWhatIsDefinedWithoutVoxels) {
  for (const auto& policy : empty_policies()) {
    for (const std::string flag : {"absent", "missed", "hallucinated"}) {
      EXPECT_EQ(with_policy(policy, 2.5, flag, {"volume_difference", false, 0, true}), 2.5) << policy << " " << flag;
      EXPECT_EQ(with_policy(policy, 0, flag, {"lesion_tp", true, 0, true}), 0) << policy << " " << flag;
    }
  }
}

TEST(EmptyMasks, AreStrictOnlyWhereTheMetricDoesNotSay) {
  EXPECT_EQ(with_policy("strict", 1, "missed", {"relative_volume_difference", false, kInfinity}), 1);
  EXPECT_EQ(with_policy("strict", kNan, "hallucinated", {"relative_volume_difference", false, kInfinity}), kInfinity);
  EXPECT_EQ(with_policy("strict", kNan, "missed", {"precision", true, 0}), 0);
}

TEST(EmptyMasks, NeverTouchAValueOfTwoMasks) {
  for (const auto& policy : empty_policies()) EXPECT_EQ(with_policy(policy, 0.25, "ok", {"dice", true, 0}), 0.25);
}

std::vector<MetricRow> three_cases() {
  const auto one = evaluator({"dice", "gap"});
  std::vector<MetricRow> rows;
  const auto add = [&](const std::string& id, const std::vector<int64_t>& predicted,
                       const std::vector<int64_t>& truth) {
    const auto scored = one.score(volume(predicted), labelled(id, truth));
    rows.insert(rows.end(), scored.begin(), scored.end());
  };
  add("a", {1, 1, 2, 2}, {1, 1, 2, 0});  // Dice 1 and 2/3
  add("b", {1, 0, 0, 0}, {1, 1, 0, 0});  // Dice 2/3; class 2 absent
  add("c", {0, 0, 2, 0}, {1, 0, 0, 0});  // class 1 missed, class 2 hallucinated
  return rows;
}

TEST(Aggregates, SkipUndefinedValuesAndCountThem) {
  const auto all = aggregate(three_cases());
  const auto& first = all.at({"dice", 1});
  EXPECT_EQ(first.cases, 3);
  EXPECT_DOUBLE_EQ(first.mean, (1 + 2.0 / 3 + 0) / 3);
  EXPECT_DOUBLE_EQ(first.median, 2.0 / 3);
  EXPECT_EQ(first.missed, 1);
  const auto& second = all.at({"dice", 2});
  EXPECT_EQ(second.cases, 2);
  EXPECT_EQ(second.undefined, 1);
  EXPECT_EQ(second.hallucinated, 1);
  EXPECT_EQ(all.at({"gap@1mm", 1}).undefined, 1);
}

TEST(Aggregates, AverageClassesWithinACaseFirst) {
  const auto rows = three_cases();
  const auto means = case_means(rows, "dice");
  EXPECT_DOUBLE_EQ(means.at("a"), (1 + 2.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(means.at("b"), 2.0 / 3);
  EXPECT_EQ(means.at("c"), 0);
  const auto overall = aggregate(rows).at({"dice", 0});
  EXPECT_DOUBLE_EQ(overall.mean, ((1 + 2.0 / 3) / 2 + 2.0 / 3 + 0) / 3);
  EXPECT_EQ(overall.missed, 1);
  EXPECT_EQ(overall.hallucinated, 1);
  EXPECT_TRUE(std::isnan(case_means(rows, "gap").at("c")));
}

TEST(Aggregates, FindAMetricByItsTypeWhereThatIsClear) {
  EXPECT_EQ(metric_named({"dice", "nsd@1mm"}, "nsd"), "nsd@1mm");
  EXPECT_EQ(metric_named({"hd95", "hd95_pooled"}, "hd95"), "hd95");
  EXPECT_EQ(metric_named({"nsd@1mm", "nsd@2mm"}, "nsd"), "");
  EXPECT_EQ(metric_named({"hd95"}, "hd"), "");
}

TEST(MetricsCsv, ComesBackAsItWasWritten) {
  auto rows = three_cases();
  rows[0].class_name = "left, \"upper\" lobe";
  rows[1].value = 1.0 / 3;
  rows[2].value = kInfinity;
  const TemporaryFolder folder;
  write_metrics_csv(folder / "metrics.csv", rows);
  const auto read = read_metrics_csv(folder / "metrics.csv");
  ASSERT_EQ(read.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(read[i].case_id, rows[i].case_id);
    EXPECT_EQ(read[i].group, rows[i].group);
    EXPECT_EQ(read[i].metric, rows[i].metric);
    EXPECT_EQ(read[i].class_name, rows[i].class_name);
    EXPECT_EQ(read[i].class_id, rows[i].class_id);
    EXPECT_EQ(read[i].flag, rows[i].flag);
    EXPECT_EQ(read[i].counts.predicted, rows[i].counts.predicted);
    EXPECT_EQ(read[i].counts.reference, rows[i].counts.reference);
    EXPECT_EQ(read[i].counts.both, rows[i].counts.both);
    EXPECT_EQ(read[i].counts.voxels, rows[i].counts.voxels);
    if (std::isfinite(rows[i].value)) {
      EXPECT_NEAR(read[i].value, rows[i].value, 1e-9);
    } else {
      EXPECT_EQ(std::isnan(read[i].value), std::isnan(rows[i].value));
    }
  }
  EXPECT_THAT(read_file(folder / "metrics.csv"), HasSubstr(",0.333333333,"));
}

TEST(MetricsCsv, RefusesAnotherTableNamingTheRecord) {
  const TemporaryFolder folder;
  const auto file = folder / "metrics.csv";
  write_file(file, "case,value\na,1\n");
  EXPECT_THROW(read_metrics_csv(file), DataError);
  write_metrics_csv(file, three_cases());
  write_file(file, read_file(file) + "d,d,one,head,dice,0.5,ok,1,1,1,4\n");
  try {
    read_metrics_csv(file);
    FAIL() << "a class that is no number was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("record 14"));
    EXPECT_THAT(error.what(), HasSubstr("'one'"));
  }
}

TEST(Summary, HasTheShapeOfNnunet) {
  const TemporaryFolder folder;
  const auto file = folder / "summary.json";
  write_summary(file, three_cases(), {{"a", {"pred/a.nii.gz", "truth/a.nii.gz"}}});
  const auto summary = ConfigNode::parse(read_file(file));
  EXPECT_THAT(summary.keys(), ElementsAre("foreground_mean", "mean", "metric_per_case"));
  EXPECT_THAT(summary.at("mean").keys(), ElementsAre("1", "2"));
  EXPECT_THAT(summary.at("foreground_mean").keys(),
              ElementsAre("Dice", "FN", "FP", "IoU", "TN", "TP", "gap@1mm", "n_pred", "n_ref"));
  const auto cases = summary.at("metric_per_case");
  ASSERT_EQ(cases.size(), 3u);
  EXPECT_EQ(cases.at(0).text_or("reference_file", ""), "truth/a.nii.gz");
  EXPECT_EQ(cases.at(1).text_or("prediction_file", ""), "b");
  const auto second = cases.at(0).at("metrics").at("2");
  EXPECT_DOUBLE_EQ(second.at("Dice").as_number(), 2.0 / 3);
  EXPECT_EQ(second.at("TP").as_number(), 1);
  EXPECT_EQ(second.at("FP").as_number(), 1);
  EXPECT_EQ(second.at("FN").as_number(), 0);
  EXPECT_EQ(second.at("TN").as_number(), 2);
  EXPECT_TRUE(cases.at(1).at("metrics").at("2").at("Dice").is_null());
}

/// Every key and number of `theirs` is in `ours`.
void expect_within(const ConfigNode& ours, const ConfigNode& theirs, const std::string& where) {
  if (theirs.is_object()) {
    for (const auto& key : theirs.keys()) expect_within(ours.at(key), theirs.at(key), where + "." + key);
  } else if (theirs.is_array()) {
    ASSERT_EQ(ours.size(), theirs.size()) << where;
    for (size_t i = 0; i < theirs.size(); ++i)
      expect_within(ours.at(i), theirs.at(i), where + "[" + std::to_string(i) + "]");
  } else if (theirs.is_number()) {
    EXPECT_NEAR(ours.as_number(), theirs.as_number(), 1e-12) << where;
  } else {
    EXPECT_EQ(ours.dump(), theirs.dump()) << where;
  }
}

TEST(Summary, EqualsTheOneOfNnunet) {
  const TemporaryFolder folder;
  write_summary(folder / "summary.json", three_cases());
  const auto golden = std::filesystem::path(LAMINA_TEST_SOURCE_DIR) / "tests/parity/nnunet_summary.json";
  expect_within(ConfigNode::parse(read_file(folder / "summary.json")), ConfigNode::parse(read_file(golden)), "summary");
}

TEST(Summary, MeansSkipUndefinedCasesPerClassFirst) {
  const TemporaryFolder folder;
  write_summary(folder / "summary.json", three_cases());
  const auto summary = ConfigNode::parse(read_file(folder / "summary.json"));
  const double first = (1 + 2.0 / 3 + 0) / 3, second = (2.0 / 3 + 0) / 2;
  EXPECT_NEAR(summary.at("mean").at("1").at("Dice").as_number(), first, 1e-12);
  EXPECT_NEAR(summary.at("mean").at("2").at("Dice").as_number(), second, 1e-12);
  EXPECT_NEAR(summary.at("foreground_mean").at("Dice").as_number(), (first + second) / 2, 1e-12);
}

}  // namespace
}  // namespace lamina::engine
