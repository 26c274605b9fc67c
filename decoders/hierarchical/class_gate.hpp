// H-SAM's class-balanced mask-guided self-attention: the first decoder's class maps decide which cells of the embedding
// the second decoder sees more strongly.
#pragma once

#include <lamina/nn/decoder_attention.hpp>
#include <lamina/nn/mlp_block.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

namespace lamina::hierarchical {

/// How the gate's number per cell becomes a factor. Release: a softmax over an axis of length 1, as the released code
/// has it, which is 1 everywhere and lets no gradient through. SpatialSoftmax: a softmax over the cells, times their
/// number, so that the mean stays 1. Sigmoid: between 0 and 1, each cell by itself.
enum class GateForm { Release, SpatialSoftmax, Sigmoid };

struct ClassGateSpec {
  int64_t classes = 2;
  std::array<int64_t, 2> grid{14, 14};
  int64_t heads = 7, mlp_channels = 2048;
  GateForm form = GateForm::SpatialSoftmax;
};

/// One row per class, whose features are its values on all cells: two self-attentions among the rows, an MLP, one
/// linear map across the rows. Registers its parts in `owner` under the reference's names (self_attn, norm1,
/// self_attn2, norm2, mlp, med_sel); their sites are <prefix>self_attn.... The number of cells is part of the weights.
class ClassGate {
 public:
  ClassGate(torch::nn::Module& owner, SiteHost& host, const std::string& prefix, const ClassGateSpec& spec);
  /// maps [N, K, h*w] -> the factor that is added to 1 for every cell: [N, h, w, 1].
  torch::Tensor forward(const torch::Tensor& maps, const nn::PromptAxes& axes, Scene& scene) const;

 private:
  ClassGateSpec spec_;
  std::shared_ptr<nn::DecoderAttention> self_attn_, self_attn2_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  std::shared_ptr<nn::MlpBlock> mlp_;
  torch::nn::Linear med_sel_{nullptr};
};

/// Noise that is stronger where a rare class is, so that the gate learns not to rely on frequent ones: normal numbers
/// with the class's standard deviation, around the mean of `maps`, are added on its cells. maps [N, K, h*w], labels
/// [N, h*w]; `deviations`: of the rarest class of the batch first; classes beyond the list get 0.
torch::Tensor with_class_noise(const torch::Tensor& maps, const torch::Tensor& labels,
                               const std::vector<double>& deviations);

}  // namespace lamina::hierarchical
