// Cubic, linear and nearest interpolation against scikit-image as nnU-Net calls it.
#include "interpolate.hpp"

#include "made_case.hpp"
#include "score_resizer.hpp"

namespace lamina {
namespace {

using resampling::Spacing3;

struct Golden {
  std::string name;
  Spacing3 before{}, after{};

  explicit Golden(std::string grid) : name(std::move(grid)) {
    const auto spacing = at("spacing").to(at::kDouble).contiguous();
    for (int axis = 0; axis < 3; ++axis) {
      before[axis] = spacing.data_ptr<double>()[axis];
      after[axis] = spacing.data_ptr<double>()[3 + axis];
    }
  }
  torch::Tensor at(const std::string& part) const {
    return made::golden("transforms.safetensors", "resample/" + name + "/" + part);
  }
};

Size3 size_of(const torch::Tensor& volume) { return {volume.size(1), volume.size(2), volume.size(3)}; }

class Interpolation : public testing::TestWithParam<const char*> {};

TEST_P(Interpolation, GivesNnunetsSize) {
  const Golden golden(GetParam());
  EXPECT_EQ(resampling::resized(size_of(golden.at("image")), golden.before, golden.after),
            size_of(golden.at("image_resampled")));
}

TEST_P(Interpolation, GivesNnunetsImage) {
  const Golden golden(GetParam());
  const auto image = golden.at("image"), expected = golden.at("image_resampled");
  const auto separate = resampling::separate_axis(golden.before, golden.after, 3);
  for (int64_t channel = 0; channel < image.size(0); ++channel) {
    const auto got = resampling::resize_cubic(image[channel], size_of(expected), separate);
    EXPECT_LT(made::difference(got, expected[channel]), 1e-4);  // values up to 50
  }
}

TEST_P(Interpolation, GivesNnunetsLabels) {
  const Golden golden(GetParam());
  const auto expected = golden.at("labels_resampled")[0];
  const auto separate = resampling::separate_axis(golden.before, golden.after, 3);
  const auto got = resampling::resize_labels(golden.at("labels")[0], size_of(golden.at("labels_resampled")), separate);
  EXPECT_GE(got.eq(expected).to(at::kDouble).mean().item<double>(), 0.999);
}

TEST_P(Interpolation, GivesNnunetsScoresBack) {
  const Golden golden(GetParam());
  const auto scores = golden.at("scores"), expected = golden.at("scores_back");
  const auto separate = resampling::separate_axis(golden.after, golden.before, 3);
  for (const int64_t depth : {1, 3, 64}) {
    made::Kept kept;
    resampling::ScoreResizer sink(size_of(scores), size_of(expected), separate, kept);
    made::send(sink, scores, depth);
    EXPECT_LT(made::difference(kept.scores(), expected), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Grids, Interpolation,
                         testing::Values("isotropic", "thick_z", "thick_z_kept", "thick_y", "thick_after", "one_slice"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ResizeCubic, KeepsVoxelsWhereTheGridStays) {
  const auto image = made::noise({4, 5, 6}, 1);
  EXPECT_LT(made::difference(resampling::resize_cubic(image, {4, 5, 6}, {}), image), 1e-6);
}

TEST(ResizeCubic, KeepsAConstant) {
  const auto got = resampling::resize_cubic(at::full({3, 4, 5}, 7.5), {5, 3, 11}, {});
  EXPECT_LT(made::difference(got, at::full({5, 3, 11}, 7.5)), 1e-6);
}

TEST(ResizeLabels, ShowsNoLabelThatWasNotThere) {
  auto labels = at::zeros({1, 2, 8}, at::kLong);
  labels.narrow(2, 4, 4).fill_(5);
  const auto got = resampling::resize_labels(labels, {1, 5, 19}, {});
  EXPECT_TRUE(got.eq(0).logical_or(got.eq(5)).all().item<bool>());
}

TEST(ResizeLabels, GivesTiesToTheNearestVoxel) {
  const auto labels = at::arange(4, at::kShort).view({1, 1, 4});
  EXPECT_TRUE(
      at::equal(resampling::resize_labels(labels, {1, 1, 2}, {}), at::tensor({1, 3}, at::kShort).view({1, 1, 2})));
}

TEST(SeparateAxis, IsTheThickOneOnly) {
  EXPECT_EQ(resampling::separate_axis({5, 1, 1}, {1, 1, 1}, 3), 0);
  EXPECT_EQ(resampling::separate_axis({1, 1, 1}, {1, 4, 1}, 3), 1);
  EXPECT_EQ(resampling::separate_axis({3, 1, 1}, {3, 1, 1}, 3), std::nullopt);
  EXPECT_EQ(resampling::separate_axis({0.24, 1.25, 1.25}, {1, 1, 1}, 3), std::nullopt);
}

TEST(Resized, RoundsHalfToEvenAndNeverToNothing) {
  EXPECT_EQ(resampling::resized({5, 7, 1}, {1, 1, 1}, {2, 2, 9}), (Size3{2, 4, 1}));
}

}  // namespace
}  // namespace lamina
