// repeat_ends: a window at every slice, and nothing of it left in predictions.
#include "repeat_ends.hpp"

#include "made_case.hpp"

namespace lamina {
namespace {

RepeatEnds repeat(std::optional<int64_t> slices, int64_t patch_depth = 5) {
  RepeatEndsOptions options;
  options.slices = slices;
  TransformContext context;
  context.patch = {patch_depth, 8, 8};
  return {options, context};
}

Case counted_case() {
  const auto image = at::arange(4, at::kFloat).view({1, 4, 1, 1}).expand({1, 4, 3, 2}).contiguous();
  Case one = made::one(image, image.to(at::kLong), {2.5, 1, 1});
  for (auto* streams : {&one.images, &one.labels}) {
    streams->primary().geometry.origin = {-11, 4.5, 80};
    streams->primary().geometry.direction = {0, 1, 0, 0, 0, 1, 1, 0, 0};
  }
  return one;
}

TEST(RepeatEnds, RepeatsImagesAndLabelsByHalfAPatch) {
  const Case after = made::apply(repeat(std::nullopt), counted_case());
  const auto expected = at::tensor({0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 3.0, 3.0});
  for (const auto& voxels : {after.images.primary().voxels, after.labels.primary().voxels.to(at::kFloat)})
    EXPECT_TRUE(at::equal(voxels[0].select(2, 1).select(1, 1), expected.to(at::kFloat)));
  EXPECT_EQ(after.valid.begin, (Size3{2, 0, 0}));
  EXPECT_EQ(after.valid.end, (Size3{6, 3, 2}));
}

TEST(RepeatEnds, KeepsEverySliceAtItsPlace) {
  const Case before = counted_case(), after = made::apply(repeat(3), before);
  const auto there = to_physical(before.images.primary().geometry, {1, 2, 1});
  const auto here = to_physical(after.images.primary().geometry, {4, 2, 1});
  for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(there[axis], here[axis], 1e-9);
}

TEST(RepeatEnds, IsNothingForSingleSlices) {
  const Case before = counted_case(), after = made::apply(repeat(std::nullopt, 1), before);
  EXPECT_TRUE(after.images.primary().voxels.is_same(before.images.primary().voxels));
  made::Kept kept;
  EXPECT_EQ(repeat(std::nullopt, 1).inverse(frame_of(before), frame_of(after), kept), nullptr);
}

TEST(RepeatEnds, TakesThemAwayFromPredictions) {
  const Case before = counted_case(), after = made::apply(repeat(2), before);
  const auto scores = made::noise({3, 8, 3, 2}, 5);
  for (const int64_t depth : {1, 2, 3, 100}) {
    made::Kept kept;
    const auto sink = repeat(2).inverse(frame_of(before), frame_of(after), kept);
    made::send(*sink, scores, depth);
    EXPECT_EQ(kept.finished(), 1);
    EXPECT_TRUE(at::equal(kept.scores(), scores.narrow(1, 2, 4)));
  }
}

TEST(RepeatEnds, NoticesMissingSlices) {
  const Case before = counted_case(), after = made::apply(repeat(2), before);
  made::Kept kept;
  const auto sink = repeat(2).inverse(frame_of(before), frame_of(after), kept);
  EXPECT_THROW(made::send(*sink, at::zeros({2, 7, 3, 2}), 1), Error);
}

}  // namespace
}  // namespace lamina
