// Convolution blocks, folding, shape checks and generators.
#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/shape_check.hpp>

#include "component_test.hpp"

namespace lamina::nn {
namespace {

using testing::largest_difference;
using testing::normal;

TEST(Conv, EqualsTorchInBothDirections) {
  Conv conv({2, 3, {1, 3, 5}, {1, 2, 1}, true});
  const torch::Tensor input = normal({2, 2, 3, 8, 7});
  const auto state = state_of(conv);
  EXPECT_LE(largest_difference(conv.forward(input),
                               torch::conv3d(input, state.at("weight"), state.at("bias"), {1, 2, 1}, {0, 1, 2})),
            1e-6);

  Conv up({3, 2, {2, 2}, {2, 2}, false}, Conv::Direction::Transposed);
  const torch::Tensor small = normal({1, 3, 4, 5});
  EXPECT_LE(
      largest_difference(up.forward(small), torch::conv_transpose2d(small, state_of(up).at("weight"), {}, {2, 2})),
      1e-6);
}

TEST(Conv, StartsWithTheSpreadOfKaimingAndBiasesOfZero) {
  torch::manual_seed(1);
  const auto state = state_of(Conv({64, 64, {3, 3}, {1, 1}, true}));
  EXPECT_NEAR(state.at("weight").std().item<double>(), std::sqrt(2.0 / (1 + 1e-4) / (64 * 9)), 2e-3);
  EXPECT_EQ(state.at("bias").abs().max().item<float>(), 0);
}

TEST(ConvStack, StridesOnceAndNamesItsPartsAsNnunet) {
  ConvStack stack(2, {1, 4, {3, 3}, {2, 2}, true});
  EXPECT_EQ(stack.forward(normal({2, 1, 8, 8})).sizes(), (std::vector<int64_t>{2, 4, 4, 4}));
  const auto state = state_of(stack);
  for (const char* name : {"convs.0.conv.weight", "convs.0.conv.bias", "convs.1.norm.weight", "convs.1.norm.bias"})
    EXPECT_TRUE(state.contains(name)) << name;
}

TEST(InstanceNorm, NormalisesEachSampleAndChannel) {
  InstanceNorm norm(3);
  const torch::Tensor out = norm.forward(normal({2, 3, 4, 5, 6}) * 7 + 3).flatten(2);
  EXPECT_LE(out.mean(2).abs().max().item<double>(), 1e-5);
  EXPECT_NEAR(out.std(2, false).max().item<double>(), 1, 1e-4);
}

TEST(LayOut, KeepsValues) {
  const torch::Tensor x = normal({2, 3, 4, 5, 6});
  const torch::Tensor last = lay_out(x, MemoryFormat::ChannelsLast);
  EXPECT_TRUE(torch::equal(x, last));
  EXPECT_EQ(last.stride(1), 1);
  EXPECT_TRUE(lay_out(last, MemoryFormat::Contiguous).is_contiguous());
}

TEST(Fold, IsUndoneByUnfold) {
  const torch::Tensor volume = normal({2, 3, 4, 5, 6});
  const torch::Tensor slices = fold_depth(volume);
  EXPECT_EQ(slices.sizes(), (std::vector<int64_t>{8, 3, 5, 6}));
  EXPECT_TRUE(torch::equal(slices[5], volume[1].select(1, 1)));  // b slowest
  EXPECT_TRUE(torch::equal(unfold_depth(slices, 2, 4), volume));
}

TEST(RequireShape, NamesWhatItGotAndWhatItWanted) {
  EXPECT_NO_THROW(require_shape(normal({2, 3}), {kAny, 3}, "x"));
  EXPECT_EQ(testing::message_of([] {
              require_shape(normal({2, 3}), {kAny, 4}, "the image");
            }),
            "the image: got the shape [2, 3], expected [*, 4]");
  EXPECT_EQ(testing::message_of([] { require_shape({}, {1}, "the image"); }),
            "the image: no tensor; expected the shape [1]");
}

TEST(MakeGenerator, RepeatsWithTheSeedAndAdvancesTheStream) {
  Random a(3), b(3);
  const auto first = torch::randn({4}, make_generator(a));
  EXPECT_TRUE(torch::equal(first, torch::randn({4}, make_generator(b))));
  EXPECT_FALSE(torch::equal(first, torch::randn({4}, make_generator(a))));
}

}  // namespace
}  // namespace lamina::nn
