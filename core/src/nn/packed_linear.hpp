// A linear map with its weight laid out for oneDNN's bfloat16 products, for inference without a history.
#pragma once

#include <memory>
#include <mutex>

#include <torch/types.h>

namespace lamina::nn {

/// Keeps one packed copy of the weight (2 bytes per element), made at the first use and again whenever the weight or
/// bias given is another tensor or has been written to since. torch packs it in every call.
class PackedLinear {
 public:
  /// Where it stands for at::linear: no history, on the CPU, and the product is one of bfloat16 (of such tensors, or
  /// under autocast) on a processor that has fast ones.
  static bool applies(const torch::Tensor& input, const torch::Tensor& weight);
  /// input [..., in] -> [..., out] in bfloat16; `gelu`: that of the result, the exact one.
  torch::Tensor forward(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias, bool gelu);

 private:
  struct Packed {
    torch::Tensor weight, bias;
    torch::Tensor from_weight, from_bias;  // held, so that no other tensor gets their addresses
    const void *weight_data, *bias_data;
    uint32_t weight_version, bias_version;
  };
  std::shared_ptr<const Packed> packed_for(const torch::Tensor& weight, const torch::Tensor& bias);

  std::mutex mutex_;
  std::shared_ptr<const Packed> packed_;
};

}  // namespace lamina::nn
