// The perceptron and linear maps of transformer blocks without a history: in pieces, and packed in bfloat16.
#include <lamina/model/scene.hpp>
#include <lamina/nn/mlp_block.hpp>

#include "component_test.hpp"

#include <ATen/autocast_mode.h>

namespace lamina::nn {
namespace {

using testing::largest_difference;
using testing::normal;

class MixedPrecision {
 public:
  MixedPrecision() { at::autocast::set_autocast_enabled(at::kCPU, true); }
  ~MixedPrecision() {
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
  }
};

struct Perceptron {
  Perceptron() { testing::redraw(*block); }
  torch::Tensor run(const torch::Tensor& input) {
    Axes axes;
    return block->forward(input, axes, scene);
  }
  torch::Tensor without_history(const torch::Tensor& input) {
    const torch::NoGradGuard no_grad;
    return run(input);
  }
  torch::Tensor by_formula(const torch::Tensor& input) {
    const auto parameters = block->named_parameters();
    const auto layer = [&](const torch::Tensor& x, const std::string& name) {
      return at::linear(x, parameters[name + ".weight"], parameters[name + ".bias"]);
    };
    return layer(at::gelu(layer(input, "lin1")), "lin2");
  }
  SiteHost host;
  Scene scene{Mode::Infer};
  std::shared_ptr<MlpBlock> block = std::make_shared<MlpBlock>(host, "mlp", Layout::Grid, 12, 48, MlpActivation::Gelu);
};

TEST(MlpBlock, ComputesManyTokensInPiecesWithoutAHistory) {
  Perceptron perceptron;
  const torch::Tensor input = normal({2, 33, 40, 12});  // 2640 tokens
  const torch::Tensor whole = perceptron.run(input), pieces = perceptron.without_history(input);
  EXPECT_EQ(pieces.sizes(), input.sizes());
  EXPECT_LE(largest_difference(pieces, whole), 1e-6);
  EXPECT_LE(largest_difference(pieces, perceptron.by_formula(input)), 1e-6);
}

TEST(MlpBlock, ComputesTheSameInMixedPrecisionWithAndWithoutAHistory) {
  Perceptron perceptron;
  const torch::Tensor input = normal({1, 9, 5, 12});
  const MixedPrecision mixed;
  const torch::Tensor with = perceptron.run(input), without = perceptron.without_history(input);
  EXPECT_EQ(without.scalar_type(), torch::kBFloat16);
  EXPECT_LE(largest_difference(without.to(torch::kFloat32), with.to(torch::kFloat32)), 0.02);
}

// A packed copy of the weight must follow it: written to in place, and replaced.
TEST(MlpBlock, NoticesInMixedPrecisionThatItsWeightsChange) {
  Perceptron perceptron;
  const torch::Tensor input = normal({1, 9, 5, 12});
  const MixedPrecision mixed;
  const auto expect_current = [&] {
    at::autocast::clear_cache();
    const torch::Tensor expected = perceptron.by_formula(input).to(torch::kFloat32);
    EXPECT_LE(largest_difference(perceptron.without_history(input).to(torch::kFloat32), expected), 0.03);
    return expected.detach();
  };
  const torch::Tensor first = expect_current();
  testing::redraw(*perceptron.block, 3);
  const torch::Tensor second = expect_current();
  EXPECT_GT(largest_difference(first, second), 0.1);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : perceptron.block->parameters()) parameter.set_data(normal(parameter.sizes().vec(), 11) * 0.2);
  EXPECT_GT(largest_difference(second, expect_current()), 0.1);
}

}  // namespace
}  // namespace lamina::nn
