#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/depthwise_conv.hpp>
#include <lamina/nn/shape_check.hpp>

#include "nn/device_library.hpp"

#include <algorithm>

#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A channels-last view goes in, so torch picks its channels-last convolution: several times faster on the CPU.
torch::Tensor torch_conv(const torch::Tensor& volume, const torch::Tensor& weight, const torch::Tensor& bias) {
  const std::vector<int64_t> padding{weight.size(2) / 2, weight.size(3) / 2, weight.size(4) / 2};
  const std::vector<int64_t> ones{1, 1, 1};
  return at::conv3d(volume.permute({0, 4, 1, 2, 3}), weight, bias, ones, padding, ones, weight.size(0))
      .permute({0, 2, 3, 4, 1});
}

/// [C, 1, kd, kh, kw] -> [taps, C] in float32.
torch::Tensor taps_first(const torch::Tensor& weight) { return weight.flatten(1).t().to(torch::kFloat32).contiguous(); }

cuda::DepthConvCall device_call(const torch::Tensor& volume, const torch::Tensor& weight) {
  return {*device_number(volume.scalar_type()),
          volume.size(0),
          volume.size(1),
          volume.size(2),
          volume.size(3),
          volume.size(4),
          {static_cast<int>(weight.size(2)), static_cast<int>(weight.size(3)), static_cast<int>(weight.size(4))},
          volume.data_ptr(),
          nullptr,
          nullptr,
          nullptr};
}

/// `shape` gives the kernel's size; `taps` [taps, C]; `bias` float32 or undefined.
torch::Tensor device_conv(const torch::Tensor& volume, const torch::Tensor& shape, const torch::Tensor& taps,
                          const torch::Tensor& bias) {
  const torch::Tensor result = at::empty_like(volume);
  cuda::DepthConvCall call = device_call(volume, shape);
  call.weight = taps.data_ptr<float>();
  call.bias = bias.defined() ? bias.data_ptr<float>() : nullptr;
  call.output = result.data_ptr();
  run_on_device(volume, [&](void* stream) { return device_kernels(volume)->depth_conv(call, stream); });
  return result;
}

/// Gradient of the weight, summed in a fixed order.
torch::Tensor device_weight_gradient(const torch::Tensor& volume, const torch::Tensor& grad,
                                     const torch::Tensor& weight) {
  constexpr int64_t kPositionsPerPart = 1024, kMostParts = 256;
  const int64_t positions = volume.numel() / volume.size(4);
  const int64_t parts = std::clamp<int64_t>(positions / kPositionsPerPart, 1, kMostParts);
  const int64_t channels = weight.size(0), taps = weight.numel() / channels;
  const torch::Tensor sums = at::empty({parts, taps, channels}, volume.options().dtype(torch::kFloat32));
  const cuda::DepthConvWeightCall call{device_call(volume, weight), grad.data_ptr(), parts, sums.data_ptr<float>()};
  run_on_device(volume, [&](void* stream) { return device_kernels(volume)->depth_conv_weight(call, stream); });
  return sums.sum(0).t().reshape(weight.sizes()).to(weight.scalar_type());
}

class DeviceConv : public torch::autograd::Function<DeviceConv> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& volume, const torch::Tensor& weight,
                               const torch::Tensor& bias) {
    const torch::Tensor input = volume.contiguous();
    context->save_for_backward({input, weight});
    context->saved_data["bias"] = bias.defined();
    const torch::Tensor start = bias.defined() ? bias.to(torch::kFloat32).contiguous() : bias;
    return device_conv(input, weight, taps_first(weight), start);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grad_outputs) {
    if (at::GradMode::is_enabled()) throw Error("the device's depthwise convolution has no second derivative");
    const auto saved = context->get_saved_variables();
    const torch::Tensor &input = saved[0], &weight = saved[1];
    const torch::Tensor grad = grad_outputs[0].to(input.scalar_type()).contiguous();
    variable_list gradients(3);
    if (context->needs_input_grad(0))
      gradients[0] = device_conv(grad, weight, taps_first(weight).flip(0).contiguous(), {});
    if (context->needs_input_grad(1)) gradients[1] = device_weight_gradient(input, grad, weight);
    if (context->saved_data["bias"].toBool())
      gradients[2] = grad.sum({0, 1, 2, 3}, false, torch::kFloat32).to(weight.scalar_type());
    return gradients;
  }
};

}  // namespace

torch::Tensor depthwise_conv3d(const torch::Tensor& volume, const torch::Tensor& weight, const torch::Tensor& bias) {
  require_shape(volume, {kAny, kAny, kAny, kAny, kAny}, "a depthwise convolution's volume");
  require_shape(weight, {volume.size(4), 1, kAny, kAny, kAny}, "a depthwise convolution's weight");
  for (int64_t axis = 2; axis < 5; ++axis) {
    if (weight.size(axis) % 2 == 0)
      throw Error(text("a depthwise convolution's kernel needs odd sizes; it is ", weight.size(2), " x ",
                       weight.size(3), " x ", weight.size(4)));
  }
  const bool own = device_kernels(volume) && device_number(volume.scalar_type());
  return own ? DeviceConv::apply(volume, weight, bias) : torch_conv(volume, weight, bias);
}

}  // namespace lamina::nn
