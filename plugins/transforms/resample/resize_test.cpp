// resize: square pictures of every slice, and the way back.
#include "resize.hpp"
#include "interpolate.hpp"

#include "made_case.hpp"

#include <gmock/gmock.h>

namespace lamina {
namespace {

using ::testing::HasSubstr;

std::string problem_of(const std::string& json) {
  ResizeOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(json), "prepare[0]", errors);
  return errors.empty() ? "" : errors.problems()[0];
}

Resize resize(const std::string& json, const Size3& patch = {5, 12, 16}) {
  ResizeOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(json), "prepare[0]", errors);
  errors.throw_if_any("wrong options");
  TransformContext context;
  context.patch = patch;
  return {options, context};
}

Case small_case() {
  const auto labels = at::arange(3 * 8 * 6).view({1, 3, 8, 6}).remainder(4);
  return made::one(made::noise({2, 3, 8, 6}, 4), labels, {5, 1, 0.5});
}

TEST(Resize, GivesEverySliceThePatchsSizeAndKeepsSlicesApart) {
  const Case before = small_case(), after = made::apply(resize("{}"), before);
  EXPECT_EQ(after.images.primary().size(), (Size3{3, 12, 16}));
  EXPECT_EQ(after.labels.primary().size(), (Size3{3, 12, 16}));
  for (int64_t slice = 0; slice < 3; ++slice) {
    const auto alone = resampling::resize_cubic(before.images.primary().voxels[1].narrow(0, slice, 1), {1, 12, 16}, 0);
    EXPECT_LT(made::difference(after.images.primary().voxels[1].narrow(0, slice, 1), alone), 1e-6);
  }
}

TEST(Resize, CoversWhatTheCaseCovered) {
  const Geometry geometry = made::apply(resize("{}"), small_case()).images.primary().geometry;
  EXPECT_NEAR(geometry.spacing[0], 5, 1e-12);
  EXPECT_NEAR(geometry.spacing[1], 8.0 / 12, 1e-12);
  EXPECT_NEAR(geometry.spacing[2], 3.0 / 16, 1e-12);
}

TEST(Resize, MakesNoNewLabels) {
  const auto labels = made::apply(resize(R"({"size": [null, 31, 5]})"), small_case()).labels.primary().voxels;
  EXPECT_EQ(labels.sizes(), (std::vector<int64_t>{1, 3, 31, 5}));
  EXPECT_GE(labels.min().item<int64_t>(), 0);
  EXPECT_LE(labels.max().item<int64_t>(), 3);
}

TEST(Resize, ResizesDepthWhereAsked) {
  EXPECT_EQ(made::apply(resize(R"({"size": [9, 8, null]})"), small_case()).images.primary().size(), (Size3{9, 8, 6}));
}

TEST(Resize, LeavesCasesOfThatSizeAlone) {
  const Case before = small_case(), after = made::apply(resize(R"({"size": [null, 8, 6]})"), before);
  EXPECT_TRUE(after.images.primary().voxels.is_same(before.images.primary().voxels));
  made::Kept kept;
  EXPECT_EQ(resize(R"({"size": [null, 8, 6]})").inverse(frame_of(before), frame_of(after), kept), nullptr);
}

// A class map that is coarse enough survives the way there and back.
TEST(Resize, BringsScoresBackToTheCasesGrid) {
  auto labels = at::zeros({1, 3, 24, 24}, at::kLong);
  labels.narrow(1, 1, 2).narrow(2, 8, 8).narrow(3, 4, 12).fill_(1);
  const Case before = made::one(made::noise({1, 3, 24, 24}, 2), labels);
  const Resize transform = resize(R"({"size": [null, 36, 48]})");
  const Case after = made::apply(transform, before);
  made::Kept kept;
  const auto sink = transform.inverse(frame_of(before), frame_of(after), kept);
  made::send(*sink, at::one_hot(after.labels.primary().voxels[0], 2).permute({3, 0, 1, 2}).to(at::kFloat), 2);
  EXPECT_EQ(kept.finished(), 1);
  EXPECT_TRUE(at::equal(kept.scores().argmax(0), labels[0]));
}

TEST(Resize, RefusesSizesThatAreNone) {
  EXPECT_THAT(problem_of(R"({"size": [1, 2]})"), HasSubstr("expected [z, y, x] in voxels"));
  EXPECT_THAT(problem_of(R"({"size": [1, 0, 2]})"), HasSubstr("got [1,0,2]"));
  EXPECT_THAT(problem_of(R"({"size": "square"})"), HasSubstr("or \"patch\""));
}

}  // namespace
}  // namespace lamina
