// The kernels of the depthwise convolution, run on the CPU thread by thread, against torch's convolution.
#include "depth_conv.cuh"

#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina::cuda {
namespace {

struct Volume {
  int64_t volumes, depth, height, width, channels;
  std::array<int64_t, 3> kernel;
};

class DepthConvKernels : public ::testing::TestWithParam<Volume> {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer does not follow fibers";
#endif
    torch::manual_seed(3);
    const auto& [volumes, depth, height, width, channels, kernel] = GetParam();
    input_ = torch::randn({volumes, depth, height, width, channels});
    grad_ = torch::randn_like(input_);
    weight_ = torch::randn({channels, 1, kernel[0], kernel[1], kernel[2]});
    bias_ = torch::randn({channels});
  }

  static torch::Tensor taps(const torch::Tensor& weight) { return weight.flatten(1).t().contiguous(); }

  DepthConvCall call(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& output) const {
    const auto& [volumes, depth, height, width, channels, kernel] = GetParam();
    return {Number::Float32,
            volumes,
            depth,
            height,
            width,
            channels,
            {static_cast<int>(kernel[0]), static_cast<int>(kernel[1]), static_cast<int>(kernel[2])},
            input.data_ptr(),
            weight.data_ptr<float>(),
            nullptr,
            output.data_ptr()};
  }

  template <int kWide>
  static void run(const DepthConvCall& call) {
    const auto threads = static_cast<unsigned>(positions_of(call) * call.channels / kWide);
    simt::launch({(threads + kConvThreads - 1) / kConvThreads}, kConvThreads, 0, [&] { convolve<float, kWide>(call); });
  }

  torch::Tensor input_, grad_, weight_, bias_;
};

void expect_near(const torch::Tensor& got, const torch::Tensor& wanted) {
  EXPECT_LE((got - wanted).abs().max().item<double>(), 2e-6 * wanted.abs().max().item<double>());
}

TEST_P(DepthConvKernels, AgreeWithTorch) {
  const auto& kernel = GetParam().kernel;
  const torch::Tensor input = input_.permute({0, 4, 1, 2, 3}).contiguous().requires_grad_();
  const torch::Tensor weight = weight_.clone().requires_grad_();
  const torch::Tensor wanted =
      at::conv3d(input, weight, bias_, 1, {kernel[0] / 2, kernel[1] / 2, kernel[2] / 2}, 1, GetParam().channels);
  wanted.backward(grad_.permute({0, 4, 1, 2, 3}));

  const torch::Tensor output = torch::empty_like(input_), packed = taps(weight_);
  DepthConvCall forward = call(input_, packed, output);
  forward.bias = bias_.data_ptr<float>();
  run<1>(forward);
  expect_near(output, wanted.detach().permute({0, 2, 3, 4, 1}));

  const torch::Tensor grad_input = torch::empty_like(input_), turned = packed.flip(0).contiguous();
  if (GetParam().channels % 4 == 0) {
    run<4>(call(grad_, turned, grad_input));
  } else {
    run<1>(call(grad_, turned, grad_input));
  }
  expect_near(grad_input, input.grad().permute({0, 2, 3, 4, 1}));

  constexpr int64_t kParts = 3;
  const torch::Tensor parts = torch::empty({kParts, packed.size(0), packed.size(1)});
  const DepthConvWeightCall gradient{forward, grad_.data_ptr(), kParts, parts.data_ptr<float>()};
  simt::launch({kParts, static_cast<unsigned>(packed.size(0)), static_cast<unsigned>((packed.size(1) + 31) / 32)},
               kConvThreads, kConvThreads * sizeof(float), [&] { sum_weight_gradient<float>(gradient); });
  expect_near(parts.sum(0), taps(weight.grad()));
}

INSTANTIATE_TEST_SUITE_P(Volumes, DepthConvKernels,
                         ::testing::Values(Volume{1, 4, 5, 6, 8, {3, 3, 3}}, Volume{2, 3, 2, 7, 36, {3, 3, 3}},
                                           Volume{1, 5, 4, 4, 3, {5, 1, 3}}));

}  // namespace
}  // namespace lamina::cuda
