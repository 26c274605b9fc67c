// Convolution blocks, folding, shape checks and generators.
#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/shape_check.hpp>

#include "component_test.hpp"

#include <ATen/autocast_mode.h>

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

TEST(Conv, ComputesInBfloat16UnderAutocastAndTheNormBehindItInFloat32) {
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const torch::Tensor image = lay_out(normal({1, 8, 3, 8, 8}), MemoryFormat::ChannelsLast), slice = image.select(2, 0);
  for (const auto direction : {Conv::Direction::Forward, Conv::Direction::Transposed}) {
    EXPECT_EQ(Conv({8, 8, {3, 3, 3}, {1, 1, 1}, true}, direction).forward(image).scalar_type(), at::kBFloat16);
    EXPECT_EQ(Conv({8, 8, {3, 3}, {1, 1}, true}, direction).forward(slice).scalar_type(), at::kBFloat16);
  }
  EXPECT_EQ(ConvBlock({8, 8, {3, 3, 3}, {1, 1, 1}, true}).forward(image).scalar_type(), at::kFloat);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
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

/// Output and gradients of a norm whose parameters are redrawn.
std::vector<torch::Tensor> passed_through_norm(torch::Tensor input, const torch::Tensor& gradient,
                                               Activation activation) {
  InstanceNorm norm(input.size(1));
  uint64_t seed = 5;
  torch::NoGradGuard no_grad;
  for (auto& parameter : norm.parameters()) parameter.copy_(normal(parameter.sizes().vec(), seed++));
  const torch::AutoGradMode grad_again(true);
  input = input.detach().requires_grad_();
  const torch::Tensor output = norm.forward(input, activation);
  EXPECT_EQ(output.suggest_memory_format(), input.suggest_memory_format());
  output.backward(gradient);
  return {output.detach(), input.grad(), norm.parameters()[0].grad(), norm.parameters()[1].grad()};
}

// Channels-last activations have loops of their own; torch's functions on the other layout say what is right.
TEST(InstanceNorm, ComputesTheSameInEitherLayout) {
  const std::vector<std::vector<int64_t>> shapes{
      {2, 16, 5, 6, 7}, {3, 24, 9, 11}, {1, 8, 31, 30, 29}, {2, 40, 1, 3, 1}};
  for (const auto& shape : shapes) {
    for (const Activation activation : {Activation::None, Activation::LeakyRelu}) {
      const torch::Tensor input = normal(shape, 1) * 0.5 + 20, gradient = normal(shape, 2);
      const auto plain = passed_through_norm(lay_out(input, MemoryFormat::Contiguous), gradient, activation);
      const auto last = passed_through_norm(lay_out(input, MemoryFormat::ChannelsLast), gradient, activation);
      for (size_t i = 0; i < plain.size(); ++i) {
        const double scale = std::max(1.0, plain[i].abs().max().item<double>());
        EXPECT_LE(largest_difference(plain[i], last[i]), 3e-5 * scale) << i << " of shape " << shape;
      }
    }
  }
}

TEST(InstanceNorm, RoundsAlikeWithAnyNumberOfThreads) {
  const int before = torch::get_num_threads();
  const torch::Tensor input = lay_out(normal({2, 16, 20, 25, 21}, 1), MemoryFormat::ChannelsLast);
  const torch::Tensor gradient = normal(input.sizes().vec(), 2);
  torch::set_num_threads(1);
  const auto alone = passed_through_norm(input, gradient, Activation::LeakyRelu);
  torch::set_num_threads(3);
  const auto together = passed_through_norm(input, gradient, Activation::LeakyRelu);
  torch::set_num_threads(before);
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(torch::equal(alone[i], together[i])) << i;
}

TEST(ConvBlock, KeepsTheLayoutOfASingleChannelsImage) {
  const torch::Tensor image = normal({2, 1, 6, 8, 7});
  ConvBlock block({1, 16, {3, 3, 3}, {1, 1, 1}, true});
  const torch::Tensor last = block.forward(lay_out(image, MemoryFormat::ChannelsLast));
  EXPECT_EQ(last.stride(1), 1);
  const torch::Tensor plain =
      block.forward(lay_out(lay_out(image, MemoryFormat::ChannelsLast), MemoryFormat::Contiguous));
  EXPECT_TRUE(plain.is_contiguous());
  EXPECT_LE(largest_difference(plain, last), 1e-5);
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
