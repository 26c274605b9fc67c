// Chooses a kernel, brings tensors into its type, and keeps what the backward pass needs.
#include "nn/attention_kernel.hpp"

#include "nn/attention_tiled.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cstdlib>

#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr const char* kVariable = "LAMINA_ATTENTION_KERNEL";

torch::Tensor plain_floats(const torch::Tensor& tensor) { return tensor.to(torch::kFloat32).contiguous(); }

torch::Tensor plain_tensor(const panel::Kernel& kernel, const torch::Tensor& tensor) {
  return tensor.to(kernel.bfloat16 ? torch::kBFloat16 : torch::kFloat32).contiguous();
}

HeadTensors tensors_for(const panel::Kernel& kernel, const torch::Tensor& qkv, const torch::Tensor& outside,
                        const RelPosTables& tables) {
  return {plain_tensor(kernel, qkv), outside.defined() ? plain_tensor(kernel, outside) : outside,
          plain_floats(tables.height), plain_floats(tables.width)};
}

const panel::Kernel* named_kernel(const char* name, bool bfloat16) {
  if (std::string_view(name) == "none") return nullptr;
  if (!panel::find_kernel(true, name)) {
    std::string known;
    for (const auto* kernel : {&panel::kAvx2, &panel::kAvx512, &panel::kAvx512Bf16, &panel::kAmxBf16}) {
      if (panel::find_kernel(true, kernel->name)) known += text(kernel->name, ", ");
    }
    throw Error(text(kVariable, ": this processor has no kernel \"", name, "\"; it has ", known, "or take \"none\""));
  }
  const panel::Kernel* kernel = panel::find_kernel(bfloat16, name);
  return kernel ? kernel : panel::find_kernel(bfloat16, nullptr);  // float32 where only a kernel for bfloat16 is named
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class KernelAttention : public torch::autograd::Function<KernelAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv,
                               const std::optional<torch::Tensor>& given_outside, const torch::Tensor& by_height,
                               const torch::Tensor& by_width, const panel::Kernel* kernel, const WindowSizes& sizes) {
    const torch::Tensor outside = given_outside.value_or(torch::Tensor());
    const auto tensors = tensors_for(*kernel, qkv, outside, {by_height, by_width});
    const HeadResult result = attend_heads(*kernel, tensors, sizes, /*keep=*/true);
    const torch::Tensor given = result.result.to(qkv.scalar_type());
    context->save_for_backward({qkv, outside, by_height, by_width, given, result.normal});
    context->saved_data["kernel"] = static_cast<int64_t>(reinterpret_cast<intptr_t>(kernel));
    context->saved_data["sizes"] =
        std::vector<int64_t>{sizes.heads, sizes.window.height, sizes.window.width, sizes.area.height, sizes.area.width};
    return given;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grad_outputs) {
    refuse_second_derivative();
    const auto saved = context->get_saved_variables();
    const auto* kernel = reinterpret_cast<const panel::Kernel*>(context->saved_data["kernel"].toInt());
    const auto numbers = context->saved_data["sizes"].toIntVector();
    const torch::Tensor &qkv = saved[0], &outside = saved[1];
    const WindowSizes sizes{qkv.size(0),
                            qkv.size(1),
                            qkv.size(2),
                            numbers[0],
                            qkv.size(3) / (3 * numbers[0]),
                            {numbers[1], numbers[2]},
                            {numbers[3], numbers[4]}};
    const HeadGradients gradients =
        differentiate_heads(*kernel, tensors_for(*kernel, qkv, outside, {saved[2], saved[3]}), sizes,
                            {plain_tensor(*kernel, saved[4]), saved[5]}, plain_tensor(*kernel, grad_outputs[0]));
    return {gradients.qkv.to(qkv.scalar_type()),
            outside.defined() ? gradients.outside.to(outside.scalar_type()) : torch::Tensor(),
            gradients.by_height.to(saved[2].scalar_type()),
            gradients.by_width.to(saved[3].scalar_type()),
            {},
            {}};
  }
};

bool wants_gradient(const torch::Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); }

}  // namespace

const panel::Kernel* kernel_for(const torch::Tensor& qkv) {
  if (!qkv.is_cpu() || qkv.scalar_type() == torch::kFloat64) return nullptr;
  const bool bfloat16 = qkv.scalar_type() == torch::kBFloat16;
  if (const char* name = std::getenv(kVariable)) return named_kernel(name, bfloat16);
  static const panel::Kernel *const for_floats = panel::find_kernel(false, nullptr),
                                    *const for_halves =
                                        panel::find_kernel(true, nullptr);  // the processor is asked once
  return bfloat16 ? for_halves : for_floats;
}

torch::Tensor kernel_attention(const panel::Kernel& kernel, const torch::Tensor& qkv, const torch::Tensor& outside,
                               const RelPosTables& tables, const WindowSizes& sizes) {
  const bool differentiable =
      at::GradMode::is_enabled() &&
      (wants_gradient(qkv) || wants_gradient(outside) || wants_gradient(tables.height) || wants_gradient(tables.width));
  if (differentiable) {
    const auto given = outside.defined() ? std::optional<torch::Tensor>(outside) : std::nullopt;
    return KernelAttention::apply(qkv, given, tables.height, tables.width, &kernel, sizes);
  }
  return attend_heads(kernel, tensors_for(kernel, qkv, outside, tables), sizes, /*keep=*/false)
      .result.to(qkv.scalar_type());
}

}  // namespace lamina::nn
