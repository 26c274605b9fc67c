// SAM's prompt encoder against PyPI segment-anything (tests/parity/make_sam_decoder.py), and the pieces it stands on.
#include <lamina/nn/pixel_conv.hpp>
#include <lamina/nn/prompt_encoder.hpp>

#include "decoder_test.hpp"

namespace lamina::nn {
namespace {

using ::testing::HasSubstr;
using testing::largest_difference;
using testing::normal;
using testing::sam_golden;

PromptEncoderSpec golden_spec() {
  PromptEncoderSpec spec;
  spec.channels = 24;
  spec.grid = {3, 4};
  spec.stride = {8, 8};
  spec.frame = {24, 32};
  return spec;
}

PromptEncoder golden_encoder() {
  PromptEncoder encoder(golden_spec());
  load_state_strictly(encoder, testing::with_prefix(sam_golden(), "weights.prompt_encoder."), "the golden file");
  return encoder;
}

class PromptParity : public ::testing::TestWithParam<const char*> {};

TEST_P(PromptParity, EqualsSegmentAnything) {
  const std::string name = GetParam();
  const auto given = [&](const char* kind, const char* tensor) {
    return name == "all" || name.find(kind) != std::string::npos ? sam_golden().at(tensor) : torch::Tensor();
  };
  const torch::NoGradGuard no_grad;
  const PromptEncoder encoder = golden_encoder();
  const torch::Tensor sparse =
      encoder.sparse(given("points", "points"), given("points", "point_labels"), given("boxes", "boxes"));
  const torch::Tensor& expected = sam_golden().at(name + ".sparse");
  EXPECT_EQ(sparse.defined(), expected.size(1) > 0);
  if (sparse.defined()) {
    EXPECT_LE(largest_difference(sparse, expected), 1e-5);
  }
  const torch::Tensor mask = given("masks", "mask_logits");
  const torch::Tensor dense = mask.defined() ? encoder.dense(mask) : encoder.no_mask().expand({5, 3, 4, 24});
  EXPECT_LE(largest_difference(dense.permute({0, 3, 1, 2}), sam_golden().at(name + ".dense")), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PromptParity, ::testing::Values("points", "boxes", "masks", "points_boxes", "all"),
                         [](const auto& info) { return std::string(info.param); });

TEST(PromptEncoder, PlacesCellsAsSegmentAnythingDoes) {
  EXPECT_LE(largest_difference(golden_encoder().dense_pe().permute({0, 3, 1, 2}), sam_golden().at("dense_pe")), 1e-5);
}

TEST(PromptEncoder, TreatsThePatchAsTheCornerOfALargerFrame) {
  PromptEncoderSpec spec = golden_spec();
  const PromptEncoder whole = golden_encoder();
  spec.grid = {2, 2};  // the same frame, a patch of 16 x 16 pixels in its corner
  PromptEncoder corner(spec);
  load_state(corner, state_of(whole));
  EXPECT_EQ(largest_difference(corner.dense_pe(), whole.dense_pe().slice(1, 0, 2).slice(2, 0, 2)), 0);
  const torch::Tensor box = torch::tensor({{1.0F, 2.0F, 9.0F, 11.0F}});
  EXPECT_EQ(largest_difference(corner.sparse({}, {}, box), whole.sparse({}, {}, box)), 0);
}

TEST(PromptEncoder, GradientsReachWhatItsPromptsUse) {
  PromptEncoder encoder(golden_spec());
  testing::redraw(encoder);
  const auto& golden = sam_golden();
  const torch::Tensor tokens = encoder.sparse(golden.at("points"), golden.at("point_labels"), golden.at("boxes"));
  const torch::Tensor loss =
      tokens.pow(2).mean() + (encoder.dense(golden.at("mask_logits")) * encoder.no_mask()).pow(2).mean();
  testing::expect_gradients(encoder, loss);
}

TEST(PromptEncoder, RefusesMasksOfAnotherSize) {
  EXPECT_THAT(testing::message_of([] {
                golden_encoder().dense(normal({2, 1, 12, 12}));
              }),
              HasSubstr("mask prompts: got the shape [2, 1, 12, 12], expected [*, 1, 12, 16]"));
}

TEST(FourierPe, RefusesAnOddNumberOfChannels) {
  EXPECT_THAT(testing::message_of([] { FourierPe(5); }), HasSubstr("5 channels"));
}

TEST(PixelConv, EqualsTorchsConvolutions) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor image = normal({2, 3, 8, 12});
  MergePixels merge(3, 5);
  const auto children =
      image.unflatten(3, {6, 2}).unflatten(2, {4, 2}).permute({0, 2, 4, 3, 5, 1});  // [N, h, w, 2, 2, C]
  const auto state = state_of(merge);
  EXPECT_LE(largest_difference(merge.forward(children.flatten(3, 4)).permute({0, 3, 1, 2}),
                               torch::conv2d(image, state.at("weight"), state.at("bias"), {2, 2})),
            1e-6);

  SplitPixels split(3, 5);
  const auto up = state_of(split);
  const torch::Tensor expected = torch::conv_transpose2d(image, up.at("weight"), up.at("bias"), {2, 2});
  const torch::Tensor cells = split.forward(image.permute({0, 2, 3, 1}));  // [N, h, w, 4, 5]
  for (int64_t channel = 0; channel < 5; ++channel)
    EXPECT_LE(largest_difference(image_of(cells.select(-1, channel), 1), expected.select(1, channel)), 1e-6);

  MapPixels map(3, 5);
  const auto ones = state_of(map);
  EXPECT_LE(largest_difference(map.forward(image.permute({0, 2, 3, 1})).permute({0, 3, 1, 2}),
                               torch::conv2d(image, ones.at("weight"), ones.at("bias"))),
            1e-6);
}

TEST(PixelConv, OrdersPixelsByCellAndBack) {
  const torch::Tensor image = torch::arange(2 * 8 * 12).view({2, 8, 12});
  const torch::Tensor cells = cells_of(image, 2);
  EXPECT_EQ(cells.sizes(), (std::vector<int64_t>{2, 2, 3, 16}));
  EXPECT_EQ(cells[1][1][2][0].item<int64_t>(), image[1][4][8].item<int64_t>());
  EXPECT_EQ(cells[1][1][2][3].item<int64_t>(), image[1][5][9].item<int64_t>());   // the last of the first 2 x 2
  EXPECT_EQ(cells[1][1][2][4].item<int64_t>(), image[1][4][10].item<int64_t>());  // the first of the second
  EXPECT_TRUE(torch::equal(image_of(cells, 2), image));
}

}  // namespace
}  // namespace lamina::nn
