// The kernels take products of the queries with the tables, which are plain matrix products before and after them.
#include "nn/device_attention.hpp"

#include "nn/device_library.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kLog2E = 1.4426950408889634;

/// Queries of the area in float32: [N, heads, queries, d].
torch::Tensor queries_of(const torch::Tensor& qkv, const AttentionSizes& sizes) {
  return part_view(qkv, 0, sizes, sizes.area).to(torch::kFloat32).contiguous().flatten(2, 3);
}

/// Contiguous and aligned for copies of 16 bytes.
torch::Tensor aligned(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.contiguous();
  return reinterpret_cast<uintptr_t>(plain.data_ptr()) % 16 == 0 ? plain : plain.clone();
}

cuda::AttentionCall call_of(const torch::Tensor& qkv, const AttentionSizes& sizes) {
  return {*device_number(qkv.scalar_type()),
          sizes.images,
          sizes.height,
          sizes.width,
          sizes.heads,
          sizes.head_width,
          sizes.area.height,
          sizes.area.width,
          qkv.data_ptr(),
          nullptr,
          nullptr,
          nullptr};
}

struct Kept {
  torch::Tensor qkv, table, products, result, log_sum;
  AttentionSizes sizes;

  cuda::AttentionCall call() const {
    cuda::AttentionCall call = call_of(qkv, sizes);
    call.products = products.data_ptr<float>();
    call.result = result.data_ptr();
    call.log_sum = log_sum.data_ptr<float>();
    return call;
  }
};

Kept attend_forward(const torch::Tensor& qkv, const torch::Tensor& table, const AttentionSizes& sizes) {
  const torch::TensorOptions floats = qkv.options().dtype(torch::kFloat32);
  const Kept kept{
      aligned(qkv),
      table,
      at::matmul(queries_of(qkv, sizes), table.t() * kLog2E),
      at::empty({sizes.images, sizes.area.height, sizes.area.width, sizes.heads * sizes.head_width}, qkv.options()),
      at::empty({sizes.images, sizes.heads, sizes.queries()}, floats),
      sizes};
  run_on_device(qkv, [&](void* stream) { return device_kernels(qkv)->attention(kept.call(), stream); });
  return kept;
}

/// grad . result of every query and head: [N, heads, queries].
torch::Tensor delta_of(const torch::Tensor& grad, const torch::Tensor& result, const AttentionSizes& sizes) {
  return (grad.to(torch::kFloat32) * result)
      .view({sizes.images, sizes.queries(), sizes.heads, sizes.head_width})
      .sum(-1)
      .transpose(1, 2)
      .contiguous();
}

struct Gradients {
  torch::Tensor qkv, table;  ///< table: turned as turned_tables() does
};

Gradients attend_backward(const Kept& kept, const torch::Tensor& grad_result) {
  const AttentionSizes& sizes = kept.sizes;
  const bool all_ask = sizes.queries() == sizes.keys();
  // Queries outside the area have the gradient 0; everything else is written.
  const torch::Tensor grad_qkv = all_ask ? at::empty_like(kept.qkv) : at::zeros_like(kept.qkv);
  const torch::Tensor grad = aligned(grad_result.to(kept.qkv.scalar_type()));
  const torch::Tensor delta = delta_of(grad, kept.result, sizes);
  const torch::Tensor grad_queries =
      at::empty({sizes.images, sizes.heads, sizes.queries(), sizes.head_width}, delta.options());
  const torch::Tensor grad_products = at::zeros_like(kept.products);
  const cuda::AttentionGradientCall call{kept.call(),
                                         grad.data_ptr(),
                                         delta.data_ptr<float>(),
                                         grad_qkv.data_ptr(),
                                         grad_queries.data_ptr<float>(),
                                         grad_products.data_ptr<float>()};
  run_on_device(grad, [&](void* stream) { return device_kernels(grad)->attention_gradient(call, stream); });

  const torch::Tensor rows = grad_products.flatten(0, 2);  // [N * heads * queries, reach]
  const torch::Tensor whole = grad_queries.flatten(0, 2).addmm_(rows, kept.table);
  torch::Tensor target = part_view(grad_qkv, 0, sizes, sizes.area);
  target.copy_(whole.view(target.sizes()));
  return {grad_qkv, at::mm(rows.t(), queries_of(kept.qkv, sizes).flatten(0, 2))};
}

class DeviceAttention : public torch::autograd::Function<DeviceAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv, const torch::Tensor& by_height,
                               const torch::Tensor& by_width, int64_t heads, int64_t area_height, int64_t area_width) {
    const c10::impl::ExcludeDispatchKeyGuard exact(c10::autocast_dispatch_keyset);
    const auto sizes = sizes_of_fused(qkv, heads, {area_height, area_width});
    const Kept kept = attend_forward(qkv, turned_tables({by_height, by_width}, torch::kFloat32), sizes);
    context->save_for_backward({kept.qkv, by_height, by_width, kept.products, kept.result, kept.log_sum});
    context->saved_data["sizes"] = std::vector<int64_t>{heads, area_height, area_width};
    return kept.result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grad_outputs) {
    refuse_second_derivative();
    const c10::impl::ExcludeDispatchKeyGuard exact(c10::autocast_dispatch_keyset);
    const auto saved = context->get_saved_variables();
    const auto numbers = context->saved_data["sizes"].toIntVector();
    const RelPosTables tables{saved[1], saved[2]};
    const auto sizes = sizes_of_fused(saved[0], numbers[0], {numbers[1], numbers[2]});
    const Kept kept{saved[0], turned_tables(tables, torch::kFloat32), saved[3], saved[4], saved[5], sizes};
    const Gradients gradients = attend_backward(kept, grad_outputs[0]);
    const RelPosTables by_table = turned_back(gradients.table, tables);
    return {gradients.qkv, by_table.height, by_table.width, {}, {}, {}};
  }
};

}  // namespace

bool has_device_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes) {
  const cuda::DeviceKernels* const kernels = device_kernels(qkv);
  if (!kernels || !device_number(qkv.scalar_type())) return false;
  const bool gradients = at::GradMode::is_enabled() &&
                         (qkv.requires_grad() || tables.height.requires_grad() || tables.width.requires_grad());
  return kernels->attention_fits(call_of(qkv, sizes), gradients);
}

torch::Tensor device_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes) {
  return DeviceAttention::apply(qkv, tables.height, tables.width, sizes.heads, sizes.area.height, sizes.area.width);
}

}  // namespace lamina::nn
