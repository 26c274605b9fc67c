// The gate and its noise.
#include "class_gate.hpp"

#include <lamina/nn/shape_check.hpp>

#include <torch/utils.h>

namespace lamina::hierarchical {

ClassGate::ClassGate(torch::nn::Module& owner, SiteHost& host, const std::string& prefix, const ClassGateSpec& spec)
    : spec_(spec) {
  const int64_t cells = spec.grid[0] * spec.grid[1];
  const auto attention = [&](const char* name) {
    return owner.register_module(
        name,
        std::make_shared<nn::DecoderAttention>(
            host, prefix + name, nn::DecoderAttentionSpec{cells, cells, spec.heads, Layout::Tokens, Layout::Tokens}));
  };
  const auto norm = [&](const char* name) {
    return owner.register_module(name, torch::nn::LayerNorm(torch::nn::LayerNormOptions({cells})));
  };
  self_attn_ = attention("self_attn");
  norm1_ = norm("norm1");
  self_attn2_ = attention("self_attn2");
  norm2_ = norm("norm2");
  mlp_ = owner.register_module("mlp", std::make_shared<nn::MlpBlock>(host, prefix + "mlp", Layout::Tokens, cells,
                                                                     spec.mlp_channels, nn::MlpActivation::Relu));
  auto stack = owner.register_module("med_sel", std::make_shared<torch::nn::Module>("stack"));
  med_sel_ = stack->register_module("0", torch::nn::Linear(spec.classes, 1));
}

torch::Tensor ClassGate::forward(const torch::Tensor& maps, const nn::PromptAxes& axes, Scene& scene) const {
  const int64_t cells = spec_.grid[0] * spec_.grid[1];
  nn::require_shape(maps, {nn::kAny, spec_.classes, cells}, "class maps of the first decoder");
  torch::Tensor rows = norm1_.ptr()->forward(self_attn_->among_tokens(maps, {}, axes, scene));
  rows = self_attn2_->among_tokens(rows, {}, axes, scene);
  rows = norm2_.ptr()->forward(rows + mlp_->forward(rows, axes.tokens, scene));
  torch::Tensor gate = at::relu(med_sel_.ptr()->forward(rows.transpose(1, 2)));  // [N, h*w, 1]
  switch (spec_.form) {
    case GateForm::Release:
      gate = at::softmax(gate, 2);
      break;
    case GateForm::SpatialSoftmax:
      gate = at::softmax(gate, 1) * static_cast<double>(cells);
      break;
    case GateForm::Sigmoid:
      gate = at::sigmoid(gate);
      break;
  }
  return gate.unflatten(1, {spec_.grid[0], spec_.grid[1]});
}

torch::Tensor with_class_noise(const torch::Tensor& maps, const torch::Tensor& labels,
                               const std::vector<double>& deviations) {
  nn::require_shape(labels, {maps.size(0), maps.size(2)}, "labels of the cells");
  const auto [values, place, counts] = at::_unique2(labels, true, true, true);
  const torch::Tensor rank = counts.argsort(/*stable=*/true, 0, /*descending=*/false);  // rarest class first
  std::vector<double> sorted = deviations;
  sorted.resize(static_cast<size_t>(values.size(0)));
  const torch::Tensor deviation =
      torch::zeros({values.size(0)}, maps.options()).scatter(0, rank, torch::tensor(sorted).to(maps.options()));
  const torch::Tensor spread = deviation.index_select(0, place.flatten()).view({maps.size(0), 1, maps.size(2)});
  return maps + at::randn_like(maps) * spread + maps.mean();
}

}  // namespace lamina::hierarchical
