// What MaskSAM reads from the stages of its generator beside masks: boxes and class tokens.
#pragma once

#include <lamina/nn/conv_block.hpp>

#include <memory>
#include <vector>

namespace lamina::masksam {

/// Boxes per query and slice from all stages pooled to 2x2: "0.*" 1x1x1 convolution, "1.*" instance norm, sigmoid. Row
/// 0 of the 2x2 map is (x1, y1); row 1 says which part of what remains to the right and below the box takes, so x2 = x1
/// + (1 - x1) f: every box is valid.
class BoxHead : public torch::nn::Module {
 public:
  BoxHead(int64_t channels, int64_t queries, bool norm);
  /// stages [B, c, D, h, w] -> [B*D*Q, 4], x1 y1 x2 y2 in [0, 1], float32.
  torch::Tensor forward(const std::vector<torch::Tensor>& stages);

 private:
  std::shared_ptr<nn::Conv> conv_;
  std::shared_ptr<nn::InstanceNorm> norm_;  // or none
};

/// Class tokens per query and slice from all stages pooled to kh x kw, whose product is the token's width: the
/// flattened map is the token. "0.*" 3x3x3 convolution, "1.*" instance norm, GELU.
class TokenHead : public torch::nn::Module {
 public:
  TokenHead(int64_t channels, int64_t queries, std::vector<int64_t> pool, int64_t dimensions);
  /// stages [B, c, D, h, w] -> [B*D*Q, 1, kh*kw].
  torch::Tensor forward(const std::vector<torch::Tensor>& stages);

 private:
  std::vector<int64_t> pool_;
  std::shared_ptr<nn::Conv> conv_;
  std::shared_ptr<nn::InstanceNorm> norm_;
};

/// [B, Q, D, h, w] -> [B*D*Q, h, w], ordered (b, d, q).
torch::Tensor rows_of_queries(const torch::Tensor& maps);

}  // namespace lamina::masksam
