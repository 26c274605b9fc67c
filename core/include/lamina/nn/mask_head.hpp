// The outputs of SAM's mask decoder: its own tokens, the upscaled image, a mask per token, a quality per mask.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/mlp.hpp>
#include <lamina/nn/pixel_conv.hpp>

#include <cstdint>
#include <memory>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

namespace lamina::nn {

/// SAM has no norm behind its last doubling.
enum class DoublingNorms { AllButLast, All };

/// Doublings of the resolution: a transposed convolution, a norm over channels, GELU. Children are numbered as in the
/// reference's sequence: "0", "1", "3", "4", ...
class LAMINA_API PixelDoublings : public torch::nn::Module {
 public:
  /// `channels`: behind each doubling.
  PixelDoublings(int64_t in, const std::vector<int64_t>& channels, DoublingNorms norms = DoublingNorms::AllButLast);
  /// [N, h, w, in], or with children of an earlier doubling [N, h, w, P, in] -> [N, h, w, P * 4^doublings, c].
  torch::Tensor forward(const torch::Tensor& cells) const;

 private:
  std::vector<std::shared_ptr<SplitPixels>> splits_;
  std::vector<torch::nn::LayerNorm> norms_;
};

/// One MLP per mask token, "0", "1", ...: what it makes of its token weighs the channels of the pixels, and the sum is
/// the mask.
class LAMINA_API HyperNetworks : public torch::nn::Module {
 public:
  HyperNetworks(int64_t count, int64_t channels, int64_t out, int64_t layers);
  /// Masks of networks first .. first + M - 1: tokens [N, M, C], pixels [N, h, w, 4^k, c] -> [N, M, h * 2^k, w * 2^k].
  torch::Tensor masks(const torch::Tensor& tokens, const torch::Tensor& pixels, int64_t first = 0) const;

 private:
  std::vector<std::shared_ptr<Mlp>> networks_;
};

struct MaskHeadSpec {
  int64_t channels = 256;
  int64_t mask_tokens = 4;
  std::vector<int64_t> upscale_channels{64, 32};  ///< channels behind each doubling of the resolution
  int64_t sets = 1;                               ///< of tokens (one per class) that share everything else
};

/// Registers its parts in `owner` under the reference's names: iou_token, mask_tokens, output_upscaling,
/// output_hypernetworks_mlps, iou_prediction_head. Four times SAM's resolution (MA-SAM) is two doublings more.
class LAMINA_API MaskHead {
 public:
  MaskHead(torch::nn::Module& owner, const MaskHeadSpec& spec);

  /// The quality token and the mask tokens of each set: [sets, 1 + M, C]. They stand first among a prompt's tokens.
  torch::Tensor tokens() const;
  /// Cells [N, h, w, C] -> features of their 4^doublings pixels each: [N, h, w, 4^doublings, c].
  torch::Tensor upscale(const torch::Tensor& image) const;
  /// Logits of mask tokens first .. first + count - 1: [N, count, H, W], H = h * 2^doublings. `tokens` [N, T, C].
  torch::Tensor masks(const torch::Tensor& tokens, const torch::Tensor& pixels, int64_t first, int64_t count) const;
  /// Predicted IoU of every mask token: [N, M].
  torch::Tensor quality(const torch::Tensor& tokens) const;

  int64_t mask_tokens() const { return spec_.mask_tokens; }
  int64_t doublings() const { return static_cast<int64_t>(spec_.upscale_channels.size()); }

 private:
  MaskHeadSpec spec_;
  torch::nn::Embedding iou_token_{nullptr}, mask_tokens_{nullptr};
  std::shared_ptr<PixelDoublings> output_upscaling_;
  std::shared_ptr<HyperNetworks> output_hypernetworks_mlps_;
  std::shared_ptr<Mlp> iou_prediction_head_;
};

}  // namespace lamina::nn
