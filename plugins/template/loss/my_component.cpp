// The mean over all voxels that count.
#include "my_component.hpp"

#include <lamina/base/error.hpp>

#include <ATen/ATen.h>

namespace my_component {

MyComponent::MyComponent(const Options& options, const lamina::LossSetup& setup) : options_(options), setup_(setup) {}

std::vector<lamina::LossTerm> MyComponent::compute(const lamina::Prediction& prediction, const lamina::Batch& batch,
                                                   const lamina::LossContext&) {
  const lamina::Output& output = prediction.outputs.primary();
  if (output.scale != lamina::Scale::Logits)
    throw lamina::ConfigError("the loss my_component needs a decoder that gives logits");
  const torch::Tensor labels = batch.labels.primary();  // [B, 1, D, H, W]
  const torch::Tensor counts = setup_.ignore ? labels.ne(*setup_.ignore) : at::ones_like(labels, at::kBool);
  const torch::Tensor safe = labels.masked_fill(counts.logical_not(), 0);
  const torch::Tensor log_p = at::log_softmax(output.classes, 1).gather(1, safe);  // [B, 1, D, H, W]
  const torch::Tensor values = (1 - log_p.exp()).clamp_min(1e-6).pow(options_.gamma) * -log_p;
  return {{"my_component", values.mul(counts).sum() / counts.sum().clamp_min(1)}};
}

}  // namespace my_component
