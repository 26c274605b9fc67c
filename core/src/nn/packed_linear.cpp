#include "nn/packed_linear.hpp"

#include <optional>
#include <string_view>

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

using PackWeight = torch::Tensor(const torch::Tensor&, std::optional<int64_t>);
using Product = torch::Tensor(const torch::Tensor&, const torch::Tensor&, const std::optional<torch::Tensor>&,
                              std::string_view, c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

template <class Signature>
std::optional<c10::TypedOperatorHandle<Signature>> operator_called(const char* name) {
  const auto handle = c10::Dispatcher::singleton().findSchema({name, ""});
  if (!handle) return std::nullopt;
  return handle->typed<Signature>();
}

/// torch may be built without oneDNN; without AMX its bfloat16 products are not faster than float32's.
bool has_fast_products() {
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("amx-bf16") &&
                           operator_called<PackWeight>("mkldnn::_reorder_linear_weight") &&
                           operator_called<Product>("mkldnn::_linear_pointwise");
  return fast;
#else
  return false;
#endif
}

bool casts_to_bfloat16() {
  return at::autocast::is_autocast_enabled(at::kCPU) && at::autocast::get_autocast_dtype(at::kCPU) == torch::kBFloat16;
}

}  // namespace

bool PackedLinear::applies(const torch::Tensor& input, const torch::Tensor& weight) {
  if (at::GradMode::is_enabled() || !input.is_cpu() || !weight.is_cpu() || weight.is_inference()) return false;
  const bool both = input.scalar_type() == torch::kBFloat16 && weight.scalar_type() == torch::kBFloat16;
  const bool castable = input.scalar_type() != torch::kFloat64 && weight.scalar_type() != torch::kFloat64;
  return (both || (castable && casts_to_bfloat16())) && input.numel() > 0 && has_fast_products();
}

std::shared_ptr<const PackedLinear::Packed> PackedLinear::packed_for(const torch::Tensor& weight,
                                                                     const torch::Tensor& bias) {
  const std::lock_guard lock(mutex_);
  const uint32_t weight_version = weight._version(), bias_version = bias._version();
  const bool current = packed_ && packed_->from_weight.is_same(weight) && packed_->from_bias.is_same(bias) &&
                       packed_->weight_data == weight.data_ptr() && packed_->bias_data == bias.data_ptr() &&
                       packed_->weight_version == weight_version && packed_->bias_version == bias_version;
  if (current) return packed_;
  static const auto pack = operator_called<PackWeight>("mkldnn::_reorder_linear_weight");
  const torch::Tensor plain = weight.detach().to(torch::kBFloat16).contiguous();
  packed_ =
      std::make_shared<const Packed>(Packed{pack->call(plain, std::nullopt), bias.detach().to(torch::kBFloat16), weight,
                                            bias, weight.data_ptr(), bias.data_ptr(), weight_version, bias_version});
  return packed_;
}

torch::Tensor PackedLinear::forward(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias,
                                    bool gelu) {
  static const auto product = operator_called<Product>("mkldnn::_linear_pointwise");
  const auto packed = packed_for(weight, bias);
  return product->call(input.to(torch::kBFloat16).contiguous(), packed->weight, packed->bias, gelu ? "gelu" : "none",
                       c10::List<std::optional<at::Scalar>>(), "none");
}

}  // namespace lamina::nn
