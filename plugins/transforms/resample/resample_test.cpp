// resample as a component: its options, what it learns, geometry, and the way back.
#include "resample.hpp"

#include "made_case.hpp"

#include <cmath>

namespace lamina {
namespace {

ResampleOptions options_of(const std::string& json) {
  ResampleOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(json), "prepare[0]", errors);
  errors.throw_if_any("wrong options");
  return options;
}

Resample resample(const std::string& json, const Size3& patch = {8, 8, 8}) {
  TransformContext context;
  context.patch = patch;
  return {options_of(json), context};
}

/// A smooth field over the patient, sampled on the grid of `frame`.
torch::Tensor field(const Frame& frame) {
  auto image = at::empty({1, frame.size[0], frame.size[1], frame.size[2]});
  for (int64_t z = 0; z < frame.size[0]; ++z) {
    for (int64_t y = 0; y < frame.size[1]; ++y) {
      for (int64_t x = 0; x < frame.size[2]; ++x) {
        const auto at = to_physical(frame.geometry, {double(z), double(y), double(x)});
        image[0][z][y][x] = std::sin(at[0] / 9) + std::cos(at[1] / 8) + 0.02 * at[2];
      }
    }
  }
  return image;
}

Frame turned_frame(const Size3& size, const std::array<double, 3>& spacing) {
  Frame frame{size, {}};
  frame.geometry.spacing = spacing;
  frame.geometry.origin = {12, -30, 7};
  frame.geometry.direction = {0, -1, 0, 1, 0, 0, 0, 0, 1};
  return frame;
}

Case case_on(const Frame& frame) {
  Case one = made::one(field(frame), at::ones({1, frame.size[0], frame.size[1], frame.size[2]}, at::kShort));
  one.images.primary().geometry = one.labels.primary().geometry = frame.geometry;
  return one;
}

torch::Tensor inner(const torch::Tensor& volume) { return volume.slice(1, 3, -3).slice(2, 3, -3).slice(3, 3, -3); }

TEST(Resample, PutsTheFieldWhereItWas) {
  const Case before = case_on(turned_frame({20, 22, 24}, {2, 1.5, 1.1}));
  const Case after = made::apply(resample(R"({"spacing": [1.3, 1.0, 1.4]})"), before);
  const Frame frame = frame_of(after);
  EXPECT_EQ(frame.size, (Size3{31, 33, 19}));
  EXPECT_LT(made::difference(inner(after.images.primary().voxels), inner(field(frame))), 2e-3);
}

TEST(Resample, CoversExactlyWhatWasCovered) {
  const Frame before = turned_frame({20, 22, 24}, {2, 1.5, 1.1});
  const Case after = made::apply(resample(R"({"spacing": [1.3, 1.0, 1.4]})"), case_on(before));
  const Geometry& geometry = after.images.primary().geometry;
  const Size3 size = after.images.primary().size();
  for (const double side : {0.0, 1.0}) {
    std::array<double, 3> corner_before{}, corner_after{};
    for (int axis = 0; axis < 3; ++axis) {
      corner_before[axis] = side * double(before.size[axis]) - 0.5;
      corner_after[axis] = side * double(size[axis]) - 0.5;
    }
    const auto a = to_physical(before.geometry, corner_before), b = to_physical(geometry, corner_after);
    for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(a[axis], b[axis], 1e-9);
  }
}

TEST(Resample, KeepsAxesThatAreNull) {
  const Case after =
      made::apply(resample(R"({"spacing": [null, 0.75, 2.2]})"), case_on(turned_frame({6, 8, 10}, {2, 1.5, 1.1})));
  EXPECT_EQ(after.images.primary().size(), (Size3{6, 16, 5}));
  EXPECT_DOUBLE_EQ(after.images.primary().geometry.spacing[0], 2);
}

TEST(Resample, IsNothingWhereTheGridFits) {
  const Case before = case_on(turned_frame({6, 8, 10}, {2, 1.5, 1.1}));
  const auto transform = resample(R"({"spacing": [2, 1.5, 1.1]})");
  const Case after = made::apply(transform, before);
  EXPECT_TRUE(at::equal(after.images.primary().voxels, before.images.primary().voxels));
  made::Kept kept;
  EXPECT_EQ(transform.inverse(frame_of(before), frame_of(after), kept), nullptr);
}

TEST(Resample, KeepsTheLabelsTypeAndTheWholeValidBox) {
  const Case after =
      made::apply(resample(R"({"spacing": [1, 1, 1]})"), case_on(turned_frame({6, 8, 10}, {2, 1.5, 1.1})));
  EXPECT_EQ(after.labels.primary().voxels.scalar_type(), at::kShort);
  EXPECT_TRUE(after.labels.primary().voxels.eq(1).all().item<bool>());
  EXPECT_EQ(after.valid.end, after.images.primary().size());
}

TEST(Resample, WayBackRestoresASmoothField) {
  const Case before = case_on(turned_frame({20, 22, 24}, {2, 1.5, 1.1}));
  const auto transform = resample(R"({"spacing": [1.0, 0.8, 0.9]})");
  const Case after = made::apply(transform, before);
  made::Kept kept;
  const auto sink = transform.inverse(frame_of(before), frame_of(after), kept);
  made::send(*sink, after.images.primary().voxels, 4);
  EXPECT_EQ(kept.finished(), 1);
  EXPECT_LT(made::difference(inner(kept.scores()), inner(before.images.primary().voxels)), 1e-2);
}

TEST(Resample, WayBackKeepsConstantsAtAnyThickness) {
  for (const std::array<double, 3> spacing : {std::array<double, 3>{6, 1, 1}, {1, 6, 1}, {1, 1, 6}, {1, 1, 1}}) {
    const Case before = case_on(turned_frame({9, 8, 10}, spacing));
    const auto transform = resample(R"({"spacing": [1.7, 0.8, 1.2]})");
    const Case after = made::apply(transform, before);
    const Size3 size = after.images.primary().size();
    made::Kept kept;
    made::send(*transform.inverse(frame_of(before), frame_of(after), kept),
               at::full({2, size[0], size[1], size[2]}, 3.25), 2);
    EXPECT_LT(made::difference(kept.scores(), at::full({2, 9, 8, 10}, 3.25)), 1e-5);
  }
}

TEST(Resample, WayBackNoticesMissingSlices) {
  const Case before = case_on(turned_frame({6, 8, 10}, {2, 1.5, 1.1}));
  const auto transform = resample(R"({"spacing": [1, 1, 1]})");
  const Size3 size = made::apply(transform, before).images.primary().size();
  made::Kept kept;
  const auto sink = transform.inverse(frame_of(before), frame_of(made::apply(transform, before)), kept);
  EXPECT_THROW(made::send(*sink, at::zeros({2, size[0] - 1, size[1], size[2]}), 3), Error);
}

TensorDict fitted(Resample& transform) {
  const std::vector<std::array<double, 3>> spacings{{5, 1, 0.5}, {6, 0.8, 0.6}, {10, 0.9, 0.7}};
  return transform.fit({"0", "1", "2"}, [&](const std::string& id) {
    return made::one(at::zeros({1, 4, 40, 50}), {}, spacings[std::stoul(id)]);
  });
}

TEST(Resample, LearnsTheMedianSpacing) {
  auto transform = resample(R"({"spacing": "median"})");
  const auto state = fitted(transform);
  EXPECT_LT(made::difference(state.at("spacing"), at::tensor({6.0, 0.9, 0.6}, at::kDouble)), 1e-12);
  auto restored = resample(R"({"spacing": "median"})");
  restored.restore(state);
  const Case after = made::apply(restored, made::one(at::zeros({1, 6, 9, 9}), {}, {3, 0.9, 0.6}));
  EXPECT_EQ(after.images.primary().size(), (Size3{3, 9, 9}));
}

TEST(Resample, TakesNnunetsFinerSpacingAcrossThickSlices) {
  auto transform = resample(R"({"spacing": "nnunet"})");
  // 10th percentile of 5, 6, 10
  EXPECT_LT(made::difference(fitted(transform).at("spacing"), at::tensor({5.2, 0.9, 0.6}, at::kDouble)), 1e-12);
}

TEST(Resample, LeavesZAloneUnderALearntSpacingFor2dNetworks) {
  auto transform = resample(R"({"spacing": "median"})", {1, 64, 64});
  fitted(transform);
  const Case after = made::apply(transform, made::one(at::zeros({1, 6, 9, 9}), {}, {3, 1.8, 0.6}));
  EXPECT_EQ(after.images.primary().size(), (Size3{6, 18, 9}));
}

TEST(Resample, SaysThatItMustLearnFirst) {
  EXPECT_THROW(made::apply(resample(R"({"spacing": "median"})"), made::one(at::zeros({1, 4, 4, 4}))), Error);
}

TEST(Resample, RefusesSpacingsThatAreNone) {
  for (const char* json :
       {R"({"spacing": [1, 1]})", R"({"spacing": [1, -1, 1]})", R"({"spacing": "mean"})", R"({"spacing": 2})"}) {
    EXPECT_THROW(options_of(json), ConfigError) << json;
  }
}

}  // namespace
}  // namespace lamina
