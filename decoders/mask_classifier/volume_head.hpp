// Convolutions in 3D over the masks of all queries: they mix queries and slices.
#pragma once

#include <lamina/nn/conv_block.hpp>

#include <cstdint>
#include <memory>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::mask_classifier {

/// conv 3x3x3 to `hidden` channels; per doubling a transposed convolution (1, 2, 2), instance norm, GELU; conv 3x3x3
/// back. Without a doubling: norm and GELU between the two convolutions. Children are numbered as in one sequence, "0",
/// "1", ...
class VolumeHead : public torch::nn::Module {
 public:
  VolumeHead(int64_t queries, int64_t hidden, int64_t doublings);
  /// [B, Q, D, h, w] -> [B, Q, D, h * 2^doublings, w * 2^doublings].
  torch::Tensor forward(torch::Tensor masks);
  /// The output starts as 0: a residual starts as its skip.
  void start_at_zero();
  /// Start of the last convolution's bias.
  void start_at_bias(double bias);

 private:
  std::shared_ptr<nn::Conv> first_, last_;
  std::vector<std::shared_ptr<nn::Conv>> doublings_;
  std::vector<std::shared_ptr<nn::InstanceNorm>> norms_;
};

}  // namespace lamina::mask_classifier
