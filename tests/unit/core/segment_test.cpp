// Runs of masks, the frame around an image, Pillow's resizing, small regions.
#include <lamina/base/error.hpp>
#include <lamina/segment/image_frame.hpp>
#include <lamina/segment/mask_generator.hpp>

#include "expect_error.hpp"

#include <gmock/gmock.h>

#include <torch/utils.h>

namespace lamina {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;

torch::Tensor mask_of(const std::vector<std::string>& rows) {
  torch::Tensor mask = torch::zeros({std::ssize(rows), std::ssize(rows[0])}, torch::kBool);
  for (size_t y = 0; y < rows.size(); ++y) {
    for (size_t x = 0; x < rows[y].size(); ++x)
      mask[static_cast<int64_t>(y)][static_cast<int64_t>(x)] = rows[y][x] == '#';
  }
  return mask;
}

TEST(Rle, CountsDownTheColumnsFromBackgroundOn) {
  const Rle rle = encode_rle(mask_of({"#..", "##."}));
  EXPECT_EQ(rle.height, 2);
  EXPECT_EQ(rle.width, 3);
  EXPECT_THAT(rle.counts, ElementsAre(0, 2, 1, 1, 2));
  EXPECT_EQ(area_of(rle), 3);
}

TEST(Rle, GivesEveryMaskBack) {
  torch::manual_seed(1);
  for (const double share : {0.0, 0.1, 0.5, 1.0}) {
    const torch::Tensor mask = torch::rand({13, 7}) < share;
    const Rle rle = encode_rle(mask);
    EXPECT_TRUE(torch::equal(decode_rle(rle), mask)) << share;
    EXPECT_EQ(area_of(rle), mask.sum().item<int64_t>());
  }
}

TEST(Rle, RefusesRunsThatDoNotFillTheMask) {
  EXPECT_THAT(message_of<Error>([] {
                decode_rle({2, 3, {1, 2}});
              }),
              HasSubstr("runs of 3 pixels cannot be a mask of 2 x 3"));
  EXPECT_THAT(message_of<Error>([] { decode_rle({1, 3, {5, -2}}); }), HasSubstr("a run of -2 pixels"));
}

TEST(ImageFrame, FitsTheLongerSideAndPadsTheRest) {
  const ImageFrame frame(30, 60, 16);
  EXPECT_THAT(frame.inside(), ElementsAre(8, 16));
  const torch::Tensor image =
      frame.image(torch::full({3, 30, 60}, 200, torch::kUInt8), PixelNorm{{100, 100, 100}, {50, 50, 50}});
  EXPECT_EQ(image.sizes(), (std::vector<int64_t>{1, 3, 1, 16, 16}));
  EXPECT_TRUE(image.slice(3, 0, 8).eq(2).all().item<bool>());
  EXPECT_TRUE(image.slice(3, 8).eq(0).all().item<bool>());
  EXPECT_THAT(ImageFrame(1, 500, 16).inside(), ElementsAre(1, 16));  // never less than a pixel
}

TEST(ImageFrame, TakesPositionsThereAndMasksBack) {
  const ImageFrame frame(30, 60, 16);
  const torch::Tensor there = frame.positions(torch::tensor({{60.0, 30.0}, {0.0, 15.0}}));
  EXPECT_TRUE(torch::allclose(there, torch::tensor({{16.0F, 8.0F}, {0.0F, 4.0F}})));
  // The upper half of the square is the image.
  torch::Tensor low_res = torch::full({1, 2, 8, 8}, -1.0);
  low_res.slice(2, 0, 4).fill_(1);
  const torch::Tensor masks = frame.masks(low_res);
  EXPECT_EQ(masks.sizes(), (std::vector<int64_t>{1, 2, 30, 60}));
  EXPECT_GT(masks.slice(2, 0, 24).min().item<float>(), 0);
}

TEST(ImageFrame, MakesLogitsOfAMask) {
  torch::Tensor mask = torch::zeros({30, 60}, torch::kBool);
  mask.slice(1, 0, 30).fill_(true);
  const torch::Tensor logits = ImageFrame(30, 60, 16).mask_prompt(mask, 8, 10);
  EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{1, 1, 8, 8}));
  EXPECT_TRUE(logits[0][0].slice(0, 0, 4).slice(1, 0, 4).eq(10).all().item<bool>());
  EXPECT_EQ(logits.eq(10).sum().item<int64_t>(), 16);
}

TEST(ImageFrame, RefusesImagesOfAnotherShape) {
  EXPECT_THAT(message_of<Error>([] { ImageFrame(0, 5, 16); }), HasSubstr("0 x 5 pixels"));
  EXPECT_THAT(message_of<Error>([] {
                ImageFrame(4, 5, 16).image(torch::zeros({1, 4, 5}, torch::kUInt8), {});
              }),
              HasSubstr("an image (red, green, blue)"));
}

TEST(ResizeBytes, KeepsWhatIsConstantAndWhatHasTheSize) {
  const torch::Tensor grey = torch::full({3, 10, 12}, 77, torch::kUInt8);
  EXPECT_TRUE(resize_bytes(grey, 33, 5).eq(77).all().item<bool>());
  const torch::Tensor noise = torch::randint(256, {3, 10, 12}, torch::kUInt8);
  EXPECT_TRUE(torch::equal(resize_bytes(noise, 10, 12), noise));
  EXPECT_THAT(message_of<Error>([] {
                resize_bytes(torch::zeros({3, 4, 4}), 2, 2);
              }),
              HasSubstr("must be bytes [C, H, W]"));
}

TEST(SmallRegions, FillsHolesAndDropsIslands) {
  torch::Tensor mask = mask_of({"######..#",  //
                                "#.####...",  //
                                "######...",  //
                                "#....#...",  //
                                "######..."});
  EXPECT_TRUE(remove_small_regions(mask, 3));
  EXPECT_TRUE(torch::equal(mask, mask_of({"######...",  //
                                          "######...",  //
                                          "######...",  //
                                          "#....#...",  //
                                          "######..."})));
  EXPECT_FALSE(remove_small_regions(mask, 3));
}

TEST(SmallRegions, KeepsTheLargestWhereAllAreSmall) {
  torch::Tensor mask = mask_of({"#..##", "....#", "#...."});
  EXPECT_TRUE(remove_small_regions(mask, 10));
  EXPECT_TRUE(torch::equal(mask, mask_of({"...##", "....#", "....."}))) << mask;
}

TEST(FoundMask, HasABoxFromTheFirstToTheLastPixel) {
  const FoundMask found = found_mask(mask_of({".....", "..##.", ".#..."}));
  EXPECT_THAT(found.box, ElementsAre(1, 1, 2, 1));
  EXPECT_EQ(found.area, 3);
  EXPECT_THAT(found_mask(mask_of({"..", ".."})).box, ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace lamina
