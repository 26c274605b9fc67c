// What runs on a CUDA device gives what its CPU twin gives. Skipped, with the reason, where there is no device.
#include "training_fixture.hpp"

#include "engine/run/device.hpp"

#include <lamina/nn/attention.hpp>
#include <lamina/nn/depthwise_conv.hpp>

#include <torch/cuda.h>

namespace lamina::engine::testing {
namespace {

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!choose_device("auto").is_cuda()) GTEST_SKIP() << "no CUDA device on this machine";
    torch::manual_seed(11);
  }
};

using Function = std::function<torch::Tensor(const std::vector<torch::Tensor>&)>;

/// The function's value and the gradients of its inputs, on the CPU in float64: `upstream` is the value's gradient.
std::vector<torch::Tensor> differentiated(const Function& function, const std::vector<torch::Tensor>& inputs,
                                          const torch::TensorOptions& options, const torch::Tensor& upstream) {
  std::vector<torch::Tensor> leaves;
  for (const auto& input : inputs) leaves.push_back(input.to(options).detach().requires_grad_());
  const torch::Tensor value = function(leaves);
  value.backward(upstream.to(value.options()));
  std::vector<torch::Tensor> results{value.detach().to(torch::kCPU, torch::kFloat64)};
  for (const auto& leaf : leaves) results.push_back(leaf.grad().to(torch::kCPU, torch::kFloat64));
  return results;
}

/// Value and gradients on the device in `type` are those on the CPU in float64, relative to the largest.
void expect_twins(const Function& device, const Function& twin, std::vector<torch::Tensor> inputs,
                  const torch::Tensor& upstream, torch::ScalarType type, double tolerance) {
  for (auto& input : inputs) input = input.to(type);  // both see the rounded numbers
  const torch::Tensor seen = upstream.to(type);
  const auto wanted = differentiated(twin, inputs, torch::dtype(torch::kFloat64), seen);
  const auto got = differentiated(device, inputs, torch::dtype(type).device(torch::kCUDA), seen);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double scale = wanted[i].abs().max().item<double>();
    EXPECT_LE((got[i] - wanted[i]).abs().max().item<double>(), tolerance * scale)
        << (i == 0 ? "value" : "gradient of input " + std::to_string(i));
  }
}

struct AttentionCase {
  int64_t images, height, width, heads, depth, area_height, area_width;
};

void PrintTo(const AttentionCase& size, std::ostream* out) {
  *out << size.images << " of " << size.height << "x" << size.width << ", queries " << size.area_height << "x"
       << size.area_width << ", " << size.heads << " heads of " << size.depth;
}

class DeviceAttention : public DeviceTest, public ::testing::WithParamInterface<AttentionCase> {
 protected:
  static void compare(torch::ScalarType type, double tolerance) {
    const AttentionCase& size = GetParam();
    const auto attention = [&](nn::AttentionPath path) -> Function {
      return [&size, path](const std::vector<torch::Tensor>& inputs) {
        return nn::rel_pos_attention(inputs[0], {inputs[1], inputs[2]}, size.heads, path,
                                     nn::QueryArea{size.area_height, size.area_width});
      };
    };
    const int64_t channels = size.heads * size.depth;
    expect_twins(
        attention(nn::AttentionPath::Tiled), attention(nn::AttentionPath::Plain),
        {torch::randn({size.images, size.height, size.width, 3 * channels}),
         torch::randn({2 * size.height - 1, size.depth}) * 0.3, torch::randn({2 * size.width - 1, size.depth}) * 0.3},
        torch::randn({size.images, size.area_height, size.area_width, channels}), type, tolerance);
  }
};

TEST_P(DeviceAttention, IsThePlainFormulaInFloat32) { compare(torch::kFloat32, 2e-5); }
TEST_P(DeviceAttention, IsThePlainFormulaInBFloat16) { compare(torch::kBFloat16, 2e-2); }

INSTANTIATE_TEST_SUITE_P(
    Sizes, DeviceAttention,
    ::testing::Values(AttentionCase{2, 14, 14, 3, 64, 14, 14}, AttentionCase{1, 14, 14, 2, 64, 9, 13},
                      AttentionCase{1, 32, 32, 2, 64, 32, 32}, AttentionCase{1, 20, 33, 2, 80, 20, 33},
                      AttentionCase{3, 8, 8, 4, 32, 8, 8}, AttentionCase{2, 5, 7, 2, 16, 5, 7},
                      AttentionCase{1, 2, 130, 1, 128, 2, 130}, AttentionCase{1, 9, 6, 2, 20, 9, 6}));

class DeviceDepthwiseConv : public DeviceTest, public ::testing::WithParamInterface<std::vector<int64_t>> {
 protected:
  static void compare(torch::ScalarType type, double tolerance) {
    const auto& size = GetParam();  // N, D, h, w, C, kernel
    const Function conv = [](const std::vector<torch::Tensor>& inputs) {
      return nn::depthwise_conv3d(inputs[0], inputs[1], inputs[2]);
    };
    const torch::Tensor volume = torch::randn({size[0], size[1], size[2], size[3], size[4]});
    expect_twins(conv, conv, {volume, torch::randn({size[4], 1, size[5], size[6], size[7]}), torch::randn({size[4]})},
                 torch::randn_like(volume), type, tolerance);
  }
};

TEST_P(DeviceDepthwiseConv, IsTorchsInFloat32) { compare(torch::kFloat32, 1e-5); }
TEST_P(DeviceDepthwiseConv, IsTorchsInBFloat16) { compare(torch::kBFloat16, 2e-2); }

INSTANTIATE_TEST_SUITE_P(Sizes, DeviceDepthwiseConv,
                         ::testing::Values(std::vector<int64_t>{2, 4, 9, 7, 96, 3, 3, 3},
                                           std::vector<int64_t>{1, 6, 16, 16, 33, 3, 3, 3},
                                           std::vector<int64_t>{1, 3, 5, 5, 8, 1, 5, 3}));

class DeviceTrainingTest : public TrainingTest {
 protected:
  void SetUp() override {
    if (!choose_device("auto").is_cuda()) GTEST_SKIP() << "no CUDA device on this machine";
  }

  static double distance(const Checkpoint& a, const Checkpoint& b) {
    double most = 0;
    for (const auto& [name, tensor] : a.model) {
      const torch::Tensor difference = tensor.to(torch::kFloat32) - b.model.at(name).to(torch::kFloat32);
      most = std::max(most, difference.abs().max().item<double>());
    }
    return most;
  }
};

TEST_F(DeviceTrainingTest, StepsAreThoseOfTheCpu) {
  // Plain descent: the first step of AdamW is as long where a gradient is nothing but rounding.
  const std::vector<std::string> one_step{"train.epochs=1", "train.iterations=1",
                                          R"(train.optimizer={"type": "sgd", "lr": 0.1})"};
  auto on_device = one_step;
  on_device.emplace_back("runtime.device=cuda");
  run("cpu", one_step);
  run("cuda", on_device);
  EXPECT_LE(distance(checkpoint("cpu"), checkpoint("cuda")), 1e-3);  // LibTorch's convolutions multiply in TF32
}

TEST_F(DeviceTrainingTest, GoesOnWhereItStopped) {
  run("half", {"train.epochs=2", "runtime.device=cuda"});
  EXPECT_EQ(checkpoint("half").state.at("epoch").dump(), "2");
}

}  // namespace
}  // namespace lamina::engine::testing
