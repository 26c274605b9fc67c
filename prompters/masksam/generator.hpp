// The upsampling path of MaskSAM's prompt generator: a U-Net's decoder on the features of a ViT, which all have one
// size.
#pragma once

#include <lamina/nn/conv_block.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina::masksam {

struct GeneratorPlan {
  int64_t embedding = 0;           ///< channels of the neck's output
  std::vector<int64_t> taps;       ///< channels of the taps, in the order in which stages take them (deepest first)
  std::vector<int64_t> channels;   ///< per stage, coarsest first; every stage has twice the size of the one before
  int64_t dimensions = 3;          ///< 2: kernels 1x3x3
  bool bilinear = false;           ///< instead of transposed convolutions
  bool shared_extra_skips = true;  ///< taps beyond the stages go through the last skip branch instead of their own
};

/// Doubles height and width and changes the channels: "weight", "bias". A transposed convolution with kernel and stride
/// (1, 2, 2), or a 1x1x1 convolution before bilinear interpolation.
class Doubling : public nn::Conv {
 public:
  Doubling(int64_t in, int64_t out, bool bilinear);
  torch::Tensor forward(const torch::Tensor& input);

 private:
  bool bilinear_;
};

/// Brings a tap to a stage's size: doubling and a convolution block, as often as needed.
class Skip : public torch::nn::Module {
 public:
  Skip(int64_t in, int64_t out, int64_t doublings, const GeneratorPlan& plan);
  torch::Tensor forward(torch::Tensor tap);

 private:
  std::vector<std::shared_ptr<Doubling>> doublings_;
  std::vector<std::shared_ptr<nn::ConvBlock>> blocks_;
};

/// Stage 0: two blocks on the embedding. Stage s: doubled stage s-1, concatenated with tap s-1, one block. Taps that
/// are left over are concatenated at the finest size, one block each. A checkpoint has these parts at its top level, so
/// they are registered with `owner`: image_decoder_stages.<s>, image_decoder_transpconvs.<s-1>,
/// image_decoder_skips.<s-1>.
class Generator {
 public:
  Generator(torch::nn::Module& owner, const GeneratorPlan& plan);
  /// embedding [B, E, D, g, g], taps [B, C, D, g, g] -> every stage's output [B, c, D, 2^s g, 2^s g], the extra blocks
  /// last.
  std::vector<torch::Tensor> forward(const torch::Tensor& embedding, const std::vector<torch::Tensor>& taps) const;
  /// Channels of all outputs, for heads that read them together.
  int64_t channels() const;

 private:
  torch::Tensor merge(const torch::Tensor& x, const torch::Tensor& skip, size_t stage) const;

  GeneratorPlan plan_;
  std::vector<std::shared_ptr<nn::ConvStack>> stages_;
  std::vector<std::shared_ptr<Doubling>> doublings_;
  std::vector<std::shared_ptr<Skip>> skips_;
};

}  // namespace lamina::masksam
