// Instance normalisation and leaky ReLU as one step, with its own backward pass.
#include "nn/norm_leaky.hpp"

#include "nn/channel_norm.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::MemoryFormat channels_last(const torch::Tensor& input) {
  return input.dim() == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
}

channel_norm::Extent extent_of(const torch::Tensor& input) {
  const int64_t batch = input.size(0), channels = input.size(1);
  return {batch, input.numel() / (batch * channels), channels};
}

bool is_plain(const torch::Tensor& parameter) {
  return parameter.scalar_type() == torch::kFloat32 && parameter.device().is_cpu() && parameter.is_contiguous();
}

bool fits(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias) {
  const bool laid_out = (input.dim() == 4 || input.dim() == 5) && input.is_contiguous(channels_last(input));
  return laid_out && input.device().is_cpu() && input.scalar_type() == torch::kFloat32 && is_plain(weight) &&
         is_plain(bias) && input.size(1) % channel_norm::kGroup == 0 && input.numel() > 0;
}

class NormLeaky : public torch::autograd::Function<NormLeaky> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& input, const torch::Tensor& weight,
                               const torch::Tensor& bias, double eps, double slope) {
    const auto extent = extent_of(input);
    const torch::Tensor mean = at::empty({extent.batch, extent.channels}, input.options()), rstd = at::empty_like(mean);
    const auto* values = input.const_data_ptr<float>();
    channel_norm::measure(values, extent, eps, mean.data_ptr<float>(), rstd.data_ptr<float>());
    torch::Tensor output = at::empty_like(input);
    channel_norm::forward(values, extent, terms(mean, rstd, weight, bias, slope), output.data_ptr<float>());
    context->save_for_backward({input, weight, bias, mean, rstd});
    context->saved_data["slope"] = slope;
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &input = saved[0], &weight = saved[1], &bias = saved[2];
    const torch::Tensor grad = gradients[0].contiguous(channels_last(input));
    const torch::Tensor grad_input = at::empty_like(input), grad_weight = at::empty_like(weight),
                        grad_bias = at::empty_like(bias);
    const auto all = terms(saved[3], saved[4], weight, bias, context->saved_data["slope"].toDouble());
    channel_norm::backward(input.const_data_ptr<float>(), grad.const_data_ptr<float>(), extent_of(input), all,
                           grad_input.data_ptr<float>(), grad_weight.data_ptr<float>(), grad_bias.data_ptr<float>());
    return {grad_input, grad_weight, grad_bias, {}, {}};
  }

 private:
  static channel_norm::Terms terms(const torch::Tensor& mean, const torch::Tensor& rstd, const torch::Tensor& weight,
                                   const torch::Tensor& bias, double slope) {
    return {mean.const_data_ptr<float>(), rstd.const_data_ptr<float>(), weight.const_data_ptr<float>(),
            bias.const_data_ptr<float>(), static_cast<float>(slope)};
  }
};

}  // namespace

torch::Tensor norm_leaky(const torch::Tensor& any, const torch::Tensor& weight, const torch::Tensor& bias, double eps,
                         double slope) {
  const bool lower = any.is_cpu() && any.scalar_type() == torch::kBFloat16;
  const torch::Tensor input = lower ? any.to(torch::kFloat32) : any;
  if (fits(input, weight, bias)) return NormLeaky::apply(input, weight, bias, eps, slope);
  torch::Tensor normed = at::instance_norm(input, weight, bias, {}, {}, true, 0.1, eps, true);
  return slope == 1 ? normed : at::leaky_relu_(normed, slope);
}

}  // namespace lamina::nn
