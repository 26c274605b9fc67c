// Compares tensor by tensor, in float64.
#include "engine/weights/weights_diff.hpp"

#include <lamina/base/text.hpp>

#include <limits>

#include <torch/types.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

std::string sizes_text(const torch::Tensor& tensor) { return text("[", join(tensor.sizes()), "]"); }

void compare_values(const std::string& name, const torch::Tensor& a, const torch::Tensor& b, WeightsDiff& diff) {
  const torch::Tensor left = a.to(torch::kFloat64), right = b.to(torch::kFloat64);
  const torch::Tensor differs = left.ne(right).logical_and(left.isnan().logical_and(right.isnan()).logical_not());
  const auto count = differs.sum().item<int64_t>();
  if (count == 0) {
    ++diff.equal;
    return;
  }
  const torch::Tensor distance = (left - right).abs().masked_select(differs);
  const bool numbers = !distance.isnan().any().item<bool>();
  const double largest = numbers ? distance.max().item<double>() : std::numeric_limits<double>::quiet_NaN();
  diff.values.push_back({name, count, largest});
}

void compare_pair(const std::string& name, const torch::Tensor& a, const torch::Tensor& b, WeightsDiff& diff) {
  if (a.scalar_type() != b.scalar_type())
    diff.types.push_back({name, torch::toString(a.scalar_type()), torch::toString(b.scalar_type())});
  if (a.sizes() != b.sizes()) {
    diff.shapes.push_back({name, sizes_text(a), sizes_text(b)});
  } else {
    compare_values(name, a, b, diff);
  }
}

}  // namespace

WeightsDiff diff_weights(const StateDict& a, const StateDict& b) {
  WeightsDiff diff;
  for (const auto& [name, tensor] : a) {
    const auto other = b.find(name);
    if (other == b.end()) {
      diff.only_a.push_back(name);
    } else {
      compare_pair(name, tensor, other->second, diff);
    }
  }
  for (const auto& [name, tensor] : b) {
    if (!a.contains(name)) diff.only_b.push_back(name);
  }
  return diff;
}

}  // namespace lamina::engine
