// Overlap metrics: by hand, at empty masks, with ignored voxels, and what class_regions() refuses.
#include "overlap.hpp"

#include <lamina/base/error.hpp>
#include <lamina/objective/class_regions.hpp>

#include <cmath>

#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina {
namespace {

Volume labels(const std::vector<int64_t>& row) { return {torch::tensor(row).view({1, 1, 1, -1}), {}}; }

Case reference(const std::vector<int64_t>& row) {
  Case one;
  one.id = "case_7";
  one.labels = Streams<Volume>(labels(row));
  return one;
}

template <class Component>
std::vector<Score> scores(const std::vector<int64_t>& predicted, const Case& truth, int64_t classes = 2) {
  Scratch scratch;
  return Component({}, {classes}).measure(labels(predicted), truth, scratch);
}

TEST(OverlapMetrics, EqualCountsByHand) {
  const std::vector<int64_t> predicted{1, 1, 1, 0, 0, 0};
  const Case truth = reference({0, 1, 1, 1, 1, 0});
  EXPECT_DOUBLE_EQ(scores<Dice>(predicted, truth)[0].value, 4.0 / 7);
  EXPECT_DOUBLE_EQ(scores<Iou>(predicted, truth)[0].value, 2.0 / 5);
  EXPECT_DOUBLE_EQ(scores<Precision>(predicted, truth)[0].value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores<Recall>(predicted, truth)[0].value, 2.0 / 4);
  EXPECT_DOUBLE_EQ(scores<VolumeSimilarity>(predicted, truth)[0].value, 1 - 1.0 / 7);
}

TEST(OverlapMetrics, GiveOneScoreWithCountsPerForegroundClass) {
  const auto result = scores<Dice>({1, 2, 2, 0}, reference({1, 1, 2, 2}), 4);
  ASSERT_EQ(result.size(), 3u);
  EXPECT_EQ(result[1].class_id, 2);
  EXPECT_EQ(result[1].counts.predicted, 2);
  EXPECT_EQ(result[1].counts.reference, 2);
  EXPECT_EQ(result[1].counts.both, 1);
  EXPECT_EQ(result[1].counts.voxels, 4);
  EXPECT_TRUE(std::isnan(result[2].value));
}

TEST(OverlapMetrics, AreUndefinedOnlyWhereTheRatioIs) {
  const std::vector<int64_t> none{0, 0}, some{0, 1};
  for (const double value :
       {scores<Dice>(none, reference(none))[0].value, scores<Iou>(none, reference(none))[0].value,
        scores<VolumeSimilarity>(none, reference(none))[0].value, scores<Precision>(none, reference(some))[0].value,
        scores<Recall>(some, reference(none))[0].value}) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_EQ(scores<Dice>(none, reference(some))[0].value, 0);
  EXPECT_EQ(scores<Dice>(some, reference(none))[0].value, 0);
  EXPECT_EQ(scores<Recall>(none, reference(some))[0].value, 0);
  EXPECT_EQ(scores<Precision>(some, reference(none))[0].value, 0);
}

TEST(OverlapMetrics, LeaveIgnoredVoxelsOut) {
  Case truth = reference({1, 1, 3, 3, 0});
  truth.ignore = 3;
  const auto score = scores<Dice>({1, 1, 1, 2, 1}, truth, 3)[0];
  EXPECT_DOUBLE_EQ(score.value, 4.0 / 5);
  EXPECT_EQ(score.counts.voxels, 3);
}

TEST(ClassRegions, BoundTheClassInBothMaps) {
  auto predicted = torch::zeros({1, 4, 5, 6}, torch::kInt64), truth = predicted.clone();
  predicted[0][1][2][3] = 1;
  truth[0][2][2][5] = 1;
  Case one;
  one.labels = Streams<Volume>({truth, {}});
  Scratch scratch;
  const Volume prediction{predicted, {}};
  const auto& regions = class_regions(prediction, one, 3, scratch);
  EXPECT_EQ(regions[0].box.begin, (std::array<int64_t, 3>{1, 2, 3}));
  EXPECT_EQ(regions[0].box.end, (std::array<int64_t, 3>{3, 3, 6}));
  EXPECT_TRUE(regions[1].box.empty());
  const auto mask = joint_mask(prediction, one, regions[0], 1);
  EXPECT_EQ(mask.sizes(), (std::vector<int64_t>{4, 3, 5}));
  EXPECT_EQ(mask[1][1][1].item<int>(), kPredicted);
  EXPECT_EQ(mask[2][1][3].item<int>(), kReference);
  EXPECT_EQ(mask.sum().item<int>(), kPredicted + kReference);
}

TEST(ClassRegions, RefuseLabelsThatAreNoClass) {
  try {
    scores<Dice>({0, 0, 7}, reference({0, 1, 1}), 3);
    FAIL() << "label 7 of 3 classes was accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("case_7"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("label 7"), std::string::npos) << error.what();
  }
  EXPECT_THROW(scores<Dice>({0, 1, 1}, reference({0, -1, 1}), 3), DataError);
}

TEST(ClassRegions, RefuseOtherSizesAndMissingLabels) {
  EXPECT_THROW(scores<Dice>({0, 1}, reference({0, 1, 1})), DataError);
  EXPECT_THROW(scores<Dice>({0, 1}, Case{}), DataError);
}

}  // namespace
}  // namespace lamina
