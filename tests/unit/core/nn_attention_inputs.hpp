// Queries, keys, values and tables for tests of attention, and their gradients.
#pragma once

#include <lamina/nn/attention.hpp>

#include <torch/autograd.h>
#include "component_test.hpp"

namespace lamina::testing {

struct AttentionInputs {
  torch::Tensor qkv;
  nn::RelPosTables tables;
};

/// Leaves of N(0, 1.5^2) and N(0, 0.5^2).
inline AttentionInputs attention_inputs(int64_t images, int64_t height, int64_t width, int64_t heads,
                                        int64_t head_width, torch::ScalarType type = torch::kFloat32) {
  const auto leaf = [&](const std::vector<int64_t>& shape, uint64_t seed, double spread) {
    return (normal(shape, seed) * spread).to(type).requires_grad_();
  };
  return {leaf({images, height, width, 3 * heads * head_width}, 1, 1.5),
          {leaf({2 * height - 1, head_width}, 2, 0.5), leaf({2 * width - 1, head_width}, 3, 0.5)}};
}

/// The same numbers in float64.
inline AttentionInputs exactly(const AttentionInputs& inputs) {
  const auto leaf = [](const torch::Tensor& tensor) { return tensor.detach().to(torch::kFloat64).requires_grad_(); };
  return {leaf(inputs.qkv), {leaf(inputs.tables.height), leaf(inputs.tables.width)}};
}

struct AttentionOutcome {
  torch::Tensor result;
  std::vector<torch::Tensor> gradients;  // of qkv, both tables, and what else is asked for
};

/// Gradients of a fixed weighted sum of the result.
inline AttentionOutcome attention_outcome(const AttentionInputs& inputs, const torch::Tensor& result,
                                          const std::vector<torch::Tensor>& others = {}) {
  std::vector<torch::Tensor> leaves{inputs.qkv, inputs.tables.height, inputs.tables.width};
  leaves.insert(leaves.end(), others.begin(), others.end());
  const torch::Tensor weights = normal(result.sizes().vec(), 7).to(result.scalar_type());
  return {result.detach(), torch::autograd::grad({(result * weights).sum()}, leaves)};
}

/// `tolerance` of the result, and of each gradient relative to its largest number where that is above 1.
inline void expect_same_attention(const AttentionOutcome& a, const AttentionOutcome& b, double tolerance) {
  const auto difference = [](const torch::Tensor& x, const torch::Tensor& y) {
    return largest_difference(x.to(torch::kFloat64), y.to(torch::kFloat64));
  };
  EXPECT_LE(difference(a.result, b.result), tolerance);
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    const double size = b.gradients[i].abs().max().item<double>();
    EXPECT_GT(size, 1e-3) << "gradient " << i << " says nothing";
    EXPECT_LE(difference(a.gradients[i], b.gradients[i]), tolerance * std::max(1.0, size)) << "gradient " << i;
  }
}

}  // namespace lamina::testing
