// Convolutions in 3D over the masks of all queries: they mix queries and slices.
#include "volume_head.hpp"

#include <algorithm>

#include <torch/utils.h>

namespace lamina::mask_classifier {
namespace {

const std::vector<int64_t> kKernel{3, 3, 3}, kOnes{1, 1, 1}, kInPlane{1, 2, 2};

}  // namespace

VolumeHead::VolumeHead(int64_t queries, int64_t hidden, int64_t doublings) {
  int64_t index = 0;
  const auto next = [&](auto module) { return register_module(std::to_string(index++), std::move(module)); };
  first_ = next(std::make_shared<nn::Conv>(nn::ConvSpec{queries, hidden, kKernel, kOnes, true}));
  for (int64_t i = 0; i < std::max<int64_t>(doublings, 1); ++i) {
    if (doublings > 0)
      doublings_.push_back(next(std::make_shared<nn::Conv>(nn::ConvSpec{hidden, hidden, kInPlane, kInPlane, true},
                                                           nn::Conv::Direction::Transposed)));
    norms_.push_back(next(std::make_shared<nn::InstanceNorm>(hidden)));
    ++index;  // GELU
  }
  last_ = next(std::make_shared<nn::Conv>(nn::ConvSpec{hidden, queries, kKernel, kOnes, true}));
}

torch::Tensor VolumeHead::forward(torch::Tensor masks) {
  masks = first_->forward(masks);
  for (size_t i = 0; i < norms_.size(); ++i) {
    if (!doublings_.empty()) masks = doublings_[i]->forward(masks);
    masks = at::gelu(norms_[i]->forward(masks));
  }
  return last_->forward(masks);
}

void VolumeHead::start_at_zero() {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : last_->parameters()) parameter.zero_();
}

void VolumeHead::start_at_bias(double bias) {
  const torch::NoGradGuard no_grad;
  last_->named_parameters()["bias"].fill_(bias);
}

}  // namespace lamina::mask_classifier
