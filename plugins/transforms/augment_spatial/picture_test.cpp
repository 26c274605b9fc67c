// Quarter turns, erased rectangles and picture operations.
#include "picture.hpp"
#include "erase.hpp"
#include "rand_augment.hpp"
#include "rotate90.hpp"

#include "made_case.hpp"

#include <set>

#include <gmock/gmock.h>

namespace lamina {
namespace {

using ::testing::HasSubstr;

/// Labels that are the image's own values, so that both must move together.
Case numbered_case(int64_t height = 4, int64_t width = 4) {
  const auto image = at::arange(2 * height * width, at::kFloat).view({1, 2, height, width}) / (2.0 * height * width);
  return made::one(image, at::arange(2 * height * width).view({1, 2, height, width}));
}

TEST(Rotate90, TurnsImageAndLabelsTogetherAndReachesAllEightPictures) {
  const RandomRotate90 turn({1, 0.5}, {});
  std::set<int64_t> corners;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Case after = made::apply(turn, numbered_case(), seed);
    const auto labels = after.labels.primary().voxels;
    EXPECT_TRUE(at::allclose(after.images.primary().voxels * 32, labels.to(at::kFloat)));
    EXPECT_TRUE(at::equal(std::get<0>(labels[0][0].flatten().sort()), at::arange(16))) << "slices were mixed";
    corners.insert(10 * labels[0][0][0][0].item<int64_t>() + labels[0][0][0][3].item<int64_t>() % 10);
  }
  EXPECT_EQ(corners.size(), 8U);
}

TEST(Rotate90, KeepsTheSizeOfOblongPatches) {
  const RandomRotate90 turn({1, 0}, {});
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto labels = made::apply(turn, numbered_case(3, 5), seed).labels.primary().voxels;
    EXPECT_EQ(labels.sizes(), (std::vector<int64_t>{1, 2, 3, 5}));
    EXPECT_THAT(labels[0][0][0][0].item<int64_t>(), ::testing::AnyOf(0, 14));
  }
}

TEST(Erase, PutsNoiseAndBackgroundIntoTheSameRectangleOfAllSlices) {
  RandomEraseOptions options;
  options.p = 1;
  const RandomErase erase(options, {});
  const auto image = made::noise({2, 3, 40, 50}, 3, 10, 11);
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Case after = made::apply(erase, made::one(image, at::ones({1, 3, 40, 50}, at::kLong)), seed);
    const auto hole = after.labels.primary().voxels.eq(0);
    EXPECT_TRUE(at::equal(hole, hole.narrow(1, 0, 1).expand_as(hole)));
    const double share = hole.to(at::kDouble).mean().item<double>();
    EXPECT_GT(share, 0.015);
    EXPECT_LT(share, 0.06);
    const auto changed = after.images.primary().voxels.ne(image);
    EXPECT_FALSE(changed.logical_and(hole.logical_not()).any().item<bool>());
    EXPECT_GT(changed.to(at::kDouble).mean().item<double>(), 0.9 * share);
    EXPECT_GE(after.images.primary().voxels.min().item<float>(), image.min().item<float>());
    EXPECT_LE(after.images.primary().voxels.max().item<float>(), image.max().item<float>());
  }
  EXPECT_LT(image.max().item<float>(), 11.0001F);
}

TEST(Erase, RefusesRangesInTheWrongOrder) {
  RandomEraseOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"area": [0.1, 0.05]})"), "augment[0]", errors);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors.problems()[0], HasSubstr("expected the smaller number first"));
}

TEST(Picture, KeepsTheHighestBits) {
  const auto levels = at::tensor({0.0F, 15.0F, 16.0F, 200.0F, 255.0F}).view({1, 1, 1, 5}) / 255;
  const auto four = picture::posterized(levels, 4) * 255;
  EXPECT_TRUE(at::allclose(four.flatten(), at::tensor({0.0F, 0.0F, 16.0F, 192.0F, 240.0F})));
  EXPECT_TRUE(at::allclose(picture::posterized(levels, 8), levels));
}

TEST(Picture, StretchesEachSliceAboutItsOwnMean) {
  auto slices = at::stack({at::full({4, 4}, 0.25), at::full({4, 4}, 0.5)}).unsqueeze(0);
  slices[0][0][0][0] = 0.41;  // mean 0.26
  const auto after = picture::contrasted(slices, 0.5);
  EXPECT_NEAR(after[0][0][0][0].item<double>(), 0.335, 1e-6);
  EXPECT_NEAR(after[0][0][1][1].item<double>(), 0.255, 1e-6);
  EXPECT_NEAR(after[0][1][0][0].item<double>(), 0.5, 1e-6);
}

TEST(Picture, SharpensAndBlursAboutTheSmoothedSlice) {
  auto slices = at::zeros({1, 1, 5, 5});
  slices[0][0][2][2] = 0.65;
  const auto blurred = picture::sharpened(slices, 0);
  EXPECT_NEAR(blurred[0][0][2][2].item<double>(), 0.25, 1e-6);  // 5 / 13
  EXPECT_NEAR(blurred[0][0][1][1].item<double>(), 0.05, 1e-6);  // 1 / 13
  EXPECT_EQ(blurred[0][0][0][0].item<double>(), 0);
  EXPECT_LT(made::difference(picture::sharpened(slices, 1), slices), 1e-6);
}

TEST(RandAugment, KeepsValuesAndLabelsWithinBounds) {
  const RandAugment augment({}, {});
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Case after = made::apply(augment, numbered_case(16, 16), seed);
    const auto& image = after.images.primary().voxels;
    EXPECT_EQ(image.sizes(), (std::vector<int64_t>{1, 2, 16, 16}));
    EXPECT_GE(image.min().item<float>(), 0);
    EXPECT_LE(image.max().item<float>(), 1 + 1e-6);  // sums of interpolation weights
    EXPECT_LE(after.labels.primary().voxels.max().item<int64_t>(), 511);
  }
}

TEST(RandAugment, RoundsToTheLevelsOfPicturesAndNothingElseWhereAsked) {
  RandAugmentOptions options;
  options.operations = {"identity"};
  const Case before = numbered_case(16, 16);
  const auto rounded = made::apply(RandAugment(options, {}), before).images.primary().voxels;
  EXPECT_LE(made::difference(rounded, before.images.primary().voxels), 0.5 / 255 + 1e-6);
  EXPECT_GT(made::difference(rounded, before.images.primary().voxels), 0);
  options.quantize = false;
  EXPECT_TRUE(
      made::apply(RandAugment(options, {}), before).images.primary().voxels.is_same(before.images.primary().voxels));
}

TEST(RandAugment, MovesImageAndLabelsTogether) {
  const auto square = at::zeros({1, 3, 32, 32});
  square.narrow(2, 12, 8).narrow(3, 12, 8).fill_(1);
  for (const char* operation : {"shear", "scale", "translate"}) {
    Random random(4);
    const Case after = RandAugment({}, {}).run(operation, made::one(square, square.to(at::kLong)), random);
    const auto image = after.images.primary().voxels, labels = after.labels.primary().voxels.to(at::kFloat);
    EXPECT_LE((image - labels).abs().max().item<float>(), 0.5F + 1e-4F) << operation;
    EXPECT_GT((image - square).abs().max().item<float>(), 0.1F) << operation;
    EXPECT_TRUE(at::equal(image.narrow(1, 0, 1), image.narrow(1, 2, 1))) << operation << " differs between slices";
  }
}

TEST(RandAugment, DrawsAllItsOperations) {
  RandAugmentOptions options;
  options.count = 1;
  options.quantize = false;
  std::set<double> sums;
  for (uint64_t seed = 0; seed < 100; ++seed)
    sums.insert(made::apply(RandAugment(options, {}), numbered_case(16, 16), seed)
                    .images.primary()
                    .voxels.sum()
                    .item<double>());
  EXPECT_GT(sums.size(), 50U);
}

TEST(RandAugment, RefusesWhatItCannotDraw) {
  const auto problem = [](const std::string& json) {
    RandAugmentOptions options;
    OptionErrors errors;
    parse_options(options, ConfigNode::parse(json), "augment[0]", errors);
    return errors.empty() ? std::string() : errors.problems()[0];
  };
  EXPECT_THAT(problem(R"({"operations": []})"), HasSubstr("expected at least one"));
  EXPECT_THAT(problem(R"({"operations": ["solarize"]})"), HasSubstr("solarize"));
  EXPECT_THAT(problem(R"({"bits": [6, 5]})"), HasSubstr("the smaller number first"));
  EXPECT_THAT(problem(R"({"bits": [0, 5]})"), HasSubstr("bits"));
  EXPECT_THAT(problem(R"({"count": 0})"), HasSubstr("count"));
}

}  // namespace
}  // namespace lamina
