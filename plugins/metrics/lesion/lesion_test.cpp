// Lesions by hand: both rules, sizes, connectivity, empty masks; precision, recall and F1 follow from the counts.
#include "lesion.hpp"

#include <lamina/base/text.hpp>

#include <cmath>

#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina {
namespace {

Volume picture(const std::vector<std::string>& rows) {
  auto labels =
      torch::zeros({1, 1, static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())}, torch::kInt64);
  for (size_t y = 0; y < rows.size(); ++y) {
    for (size_t x = 0; x < rows[y].size(); ++x)
      labels[0][0][static_cast<int64_t>(y)][static_cast<int64_t>(x)] = rows[y][x] == '.' ? 0 : rows[y][x] - '0';
  }
  Volume volume{labels, {}};
  volume.geometry.spacing = {2, 1, 0.5};  // a voxel is 1 mm3
  return volume;
}

/// tp, fp, fn, precision, recall, F1, lesion-wise Dice of class 1.
std::vector<double> lesions(const Volume& predicted, const Volume& truth, const LesionOptions& options = {}) {
  Case reference;
  reference.labels = Streams<Volume>(truth);
  Scratch scratch;
  const MetricContext context{3};
  const std::vector<std::shared_ptr<Metric>> metrics{std::make_shared<LesionTruePositives>(options, context),
                                                     std::make_shared<LesionFalsePositives>(options, context),
                                                     std::make_shared<LesionFalseNegatives>(options, context),
                                                     std::make_shared<LesionPrecision>(options, context),
                                                     std::make_shared<LesionRecall>(options, context),
                                                     std::make_shared<LesionF1>(options, context),
                                                     std::make_shared<LesionDice>(options, context)};
  std::vector<double> values;
  for (const auto& metric : metrics) values.push_back(metric->measure(predicted, reference, scratch).at(0).value);
  return values;
}

void expect(const std::vector<double>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(values[i])) << i;
    } else {
      EXPECT_DOUBLE_EQ(values[i], expected[i]) << i;
    }
  }
}

// The reference has three lesions: 4, 2 and 1 voxels. One prediction covers the first two, one is beside all.
const std::vector<std::string> kTruth{"11......1",  //
                                      "11.11....",  //
                                      "........."},
    kPredicted{".1.......",  //
               ".1111....",  //
               "........1"};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(LesionMetrics, CountWhatAnyPredictionOverlaps) {
  // Dice: 2 * 2 / (4 + 5) and 2 * 2 / (2 + 5).
  expect(lesions(picture(kPredicted), picture(kTruth)), {2, 1, 1, 2.0 / 3, 2.0 / 3, 4.0 / 6, (4.0 / 9 + 4.0 / 7) / 4});
}

TEST(LesionMetrics, PairOneToOneByFallingOverlap) {
  // Overlap over union is 2/7 with the first, 2/5 with the second: the second has it.
  LesionOptions options;
  options.match = "one_to_one";
  expect(lesions(picture(kPredicted), picture(kTruth), options), {1, 1, 2, 1.0 / 2, 1.0 / 3, 2.0 / 5, 4.0 / 7 / 4});
  options.min_iou = 0.4;
  EXPECT_EQ(lesions(picture(kPredicted), picture(kTruth), options)[0], 1);
  options.min_iou = 0.41;
  expect(lesions(picture(kPredicted), picture(kTruth), options), {0, 2, 3, 0, 0, 0, 0});
}

TEST(LesionMetrics, JoinSeveralPredictionsOfOneLesion) {
  const auto truth = picture({"11111"}), predicted = picture({"11.11"});
  expect(lesions(predicted, truth), {1, 0, 0, 1, 1, 1, 8.0 / 9});
  LesionOptions options;
  options.match = "one_to_one";
  expect(lesions(predicted, truth, options), {1, 1, 0, 1.0 / 2, 1, 2.0 / 3, 4.0 / 7 / 2});
}

TEST(LesionMetrics, LeaveSmallLesionsOut) {
  LesionOptions options;
  options.min_size_mm3 = 2;
  // The lesion of one voxel and the lone predicted voxel are gone; a lesion of exactly the size stays.
  expect(lesions(picture(kPredicted), picture(kTruth), options), {2, 0, 0, 1, 1, 1, (4.0 / 9 + 4.0 / 7) / 2});
  options.min_size_mm3 = 2.5;
  expect(lesions(picture(kPredicted), picture(kTruth), options), {1, 0, 0, 1, 1, 1, 4.0 / 9});
}

TEST(LesionMetrics, DoNotBlameAPredictionForALesionTooSmallToCount) {
  LesionOptions options;
  options.min_size_mm3 = 3;
  expect(lesions(picture({"1111"}), picture({"11.."}), options), {0, 0, 0, kNan, kNan, kNan, kNan});
  expect(lesions(picture({"1111"}), picture({"...."}), options), {0, 1, 0, 0, kNan, 0, 0});
}

TEST(LesionMetrics, ConnectAcrossCornersUnlessToldOtherwise) {
  const auto diagonal = picture({"1.", ".1"}), none = picture({"..", ".."});
  EXPECT_EQ(lesions(none, diagonal)[2], 1);
  LesionOptions options;
  options.connectivity = "faces";
  EXPECT_EQ(lesions(none, diagonal, options)[2], 2);
}

TEST(LesionMetrics, AreUndefinedOnlyWhereTheRatioIs) {
  const auto none = picture({"..."}), some = picture({"1.1"}), other = picture({"2.2"});
  expect(lesions(none, none), {0, 0, 0, kNan, kNan, kNan, kNan});
  expect(lesions(none, some), {0, 0, 2, kNan, 0, 0, 0});
  expect(lesions(some, none), {0, 2, 0, 0, kNan, 0, 0});
  expect(lesions(some, other), {0, 2, 0, 0, kNan, 0, 0});
}

TEST(LesionMetrics, FindLesionsThroughSlices) {
  auto labels = torch::zeros({1, 3, 2, 2}, torch::kInt64);
  labels[0][0][0][0] = labels[0][1][1][1] = 1;  // neighbours by a corner of the cube
  labels[0][2][1][1] = 1;
  Volume volume{labels, {}};
  expect(lesions(volume, volume), {1, 0, 0, 1, 1, 1, 1});
  LesionOptions options;
  options.connectivity = "faces";
  expect(lesions(volume, volume, options), {2, 0, 0, 1, 1, 1, 1});
}

TEST(LesionOptionsTest, RefuseAnOverlapThatNothingAsksFor) {
  LesionOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"min_iou": 0.5})"), "metrics[0]", errors);
  EXPECT_NE(join(errors.problems()).find("one_to_one"), std::string::npos);
}

}  // namespace
}  // namespace lamina
