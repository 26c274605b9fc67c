// crop_nonzero against nnU-Net's crop, and back.
#include "crop_nonzero.hpp"

#include "made_case.hpp"

namespace lamina {
namespace {

torch::Tensor golden(const std::string& name) { return made::golden("transforms.safetensors", "crop/" + name); }

CropNonzero crop(int64_t margin = 0) {
  CropNonzeroOptions options;
  options.margin = margin;
  return {options, {}};
}

Case turned_case() {
  Case one = made::one(golden("image"), golden("mask").to(at::kLong).unsqueeze(0), {3, 0.7, 0.9});
  for (auto* streams : {&one.images, &one.labels}) {
    streams->primary().geometry.origin = {-11, 4.5, 80};
    streams->primary().geometry.direction = {0, 1, 0, 0, 0, 1, 1, 0, 0};
  }
  return one;
}

TEST(CropNonzero, GivesTheBoxAndVoxelsOfNnunet) {
  const Case cropped = made::apply(crop(), turned_case());
  EXPECT_TRUE(at::equal(cropped.images.primary().voxels, golden("cropped")));
  const Box box = CropNonzero::nonzero_box(golden("image"));
  const auto expected = golden("box");  // [3, 2]
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_EQ(box.begin[axis], expected[axis][0].item<int64_t>());
    EXPECT_EQ(box.end[axis], expected[axis][1].item<int64_t>());
  }
}

TEST(CropNonzero, KeepsEveryVoxelAtItsPlace) {
  const Case before = turned_case(), after = made::apply(crop(), before);
  const Box box = CropNonzero::nonzero_box(before.images.primary().voxels);
  for (const auto& [a, b] : {std::pair{&before.images, &after.images}, std::pair{&before.labels, &after.labels}}) {
    const auto there = to_physical(a->primary().geometry,
                                   {double(box.begin[0]) + 1, double(box.begin[1]) + 2, double(box.begin[2]) + 3});
    const auto here = to_physical(b->primary().geometry, {1, 2, 3});
    for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(there[axis], here[axis], 1e-9);
    EXPECT_EQ(a->primary().voxels[0][box.begin[0] + 1][box.begin[1] + 2][box.begin[2] + 3].item<double>(),
              b->primary().voxels[0][1][2][3].item<double>());
  }
}

TEST(CropNonzero, KeepsAMarginWithinTheVolume) {
  const auto image = at::zeros({1, 6, 6, 6});
  image[0][1][3][5] = 1;
  const Case cropped = made::apply(crop(2), made::one(image));
  EXPECT_EQ(cropped.images.primary().size(), (Size3{4, 5, 3}));
}

TEST(CropNonzero, LeavesAnEmptyVolumeWhole) {
  const Case cropped = made::apply(crop(), made::one(at::zeros({1, 3, 4, 5})));
  EXPECT_EQ(cropped.images.primary().size(), (Size3{3, 4, 5}));
}

TEST(CropNonzero, ShiftsTheValidBox) {
  const auto image = at::zeros({1, 8, 8, 8});
  image.narrow(1, 2, 4).narrow(2, 1, 6).narrow(3, 3, 5).fill_(1);
  Case one = made::one(image);
  one.valid = {{0, 2, 0}, {8, 8, 7}};
  const Case cropped = made::apply(crop(), one);
  EXPECT_EQ(cropped.valid.begin, (Size3{0, 1, 0}));
  EXPECT_EQ(cropped.valid.end, (Size3{4, 6, 4}));
}

TEST(CropNonzero, RefusesLabelsOfAnotherGrid) {
  const auto image = at::zeros({1, 4, 4, 4});
  image[0][1][1][1] = 1;
  EXPECT_THROW(made::apply(crop(), made::one(image, at::zeros({1, 4, 4, 5}, at::kLong))), DataError);
}

TEST(CropNonzero, InversePutsScoresBackAndBackgroundAround) {
  const Case before = turned_case(), after = made::apply(crop(), before);
  const Size3 size = after.images.primary().size();
  const auto scores = made::noise({3, size[0], size[1], size[2]}, 5, -4, 4);
  for (const int64_t depth : {1, 2, 100}) {
    made::Kept kept;
    const auto sink = crop().inverse(frame_of(before), frame_of(after), kept);
    ASSERT_NE(sink, nullptr);
    made::send(*sink, scores, depth);
    EXPECT_EQ(kept.finished(), 1);
    const auto classes = kept.scores().argmax(0);  // [D, H, W]
    const Box box = CropNonzero::nonzero_box(before.images.primary().voxels);
    auto expected = at::zeros({9, 12, 11}, at::kLong);
    expected.narrow(0, box.begin[0], size[0])
        .narrow(1, box.begin[1], size[1])
        .narrow(2, box.begin[2], size[2])
        .copy_(scores.argmax(0));
    EXPECT_TRUE(at::equal(classes, expected));
  }
}

TEST(CropNonzero, InverseIsNothingWhereNothingWasCut) {
  made::Kept kept;
  const Case one = made::one(at::ones({1, 3, 3, 3}));
  EXPECT_EQ(crop().inverse(frame_of(one), frame_of(made::apply(crop(), one)), kept), nullptr);
}

TEST(CropNonzero, InverseNoticesMissingSlices) {
  const Case before = turned_case(), after = made::apply(crop(), before);
  made::Kept kept;
  const auto sink = crop().inverse(frame_of(before), frame_of(after), kept);
  const Size3 size = after.images.primary().size();
  EXPECT_THROW(made::send(*sink, at::zeros({2, size[0] - 1, size[1], size[2]}), 1), Error);
}

}  // namespace
}  // namespace lamina
