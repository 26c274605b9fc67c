// The one check of tensor shapes inside networks.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/shape_check.hpp>

#include <torch/types.h>

namespace lamina::nn {
namespace {

std::string shape_text(const std::vector<int64_t>& shape) {
  std::vector<std::string> parts;
  for (const int64_t size : shape) parts.push_back(size == kAny ? "*" : std::to_string(size));
  return text("[", join(parts), "]");
}

bool fits(const torch::Tensor& tensor, const std::vector<int64_t>& expected) {
  if (tensor.dim() != static_cast<int64_t>(expected.size())) return false;
  for (size_t axis = 0; axis < expected.size(); ++axis) {
    if (expected[axis] != kAny && expected[axis] != tensor.size(static_cast<int64_t>(axis))) return false;
  }
  return true;
}

}  // namespace

void require_shape(const torch::Tensor& tensor, const std::vector<int64_t>& expected, const std::string& what) {
  if (!tensor.defined()) throw Error(text(what, ": no tensor; expected the shape ", shape_text(expected)));
  if (fits(tensor, expected)) return;
  throw Error(text(what, ": got the shape ", shape_text(tensor.sizes().vec()), ", expected ", shape_text(expected)));
}

}  // namespace lamina::nn
