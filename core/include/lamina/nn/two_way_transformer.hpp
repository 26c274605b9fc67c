// SAM's two-way transformer: the tokens of a prompt and the cells of the image read from each other.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/decoder_attention.hpp>
#include <lamina/nn/mlp_block.hpp>
#include <lamina/nn/site.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

namespace lamina::nn {

/// TokensFirst: tokens read each other, then the image, as in SAM. ImageFirst: the other way round, as in H-SAM.
enum class LayerOrder { TokensFirst, ImageFirst };

struct TwoWaySpec {
  int64_t channels = 256, depth = 2, heads = 8;
  int64_t mlp_channels = 2048;
  int64_t downsample = 2;        ///< attention between tokens and image works on channels / downsample
  int64_t final_downsample = 2;  ///< the same for the closing attention
  LayerOrder order = LayerOrder::TokensFirst;
  std::string prefix{};  ///< of all sites
};

/// What one forward does otherwise in every layer; the closing attention stays as it is.
struct TwoWayChanges {
  AttentionGate gate;  ///< between tokens and image, both ways
  double dropout = 0;  ///< share of what tokens read from the image that is dropped
};

/// One layer: attention among the tokens, from the image to the tokens, an MLP with ReLU, from the tokens to the image;
/// a normalisation after each. In the first layer the tokens' self-attention has no positions and replaces them.
class LAMINA_API TwoWayBlock : public torch::nn::Module {
 public:
  enum class Start { First, Later };
  TwoWayBlock(SiteHost& host, const std::string& path, const TwoWaySpec& spec, Start start);
  /// tokens, token_position [N, T, C]. Changes tokens and keys to this layer's.
  void forward(torch::Tensor& tokens, ImageKeys& keys, const torch::Tensor& token_position, const PromptAxes& axes,
               Scene& scene, const TwoWayChanges& changes = {});

 private:
  torch::Tensor read_tokens(const torch::Tensor& tokens, const torch::Tensor& position, const PromptAxes& axes,
                            Scene& scene);
  torch::Tensor read_image(const torch::Tensor& tokens, const ImageKeys& keys, const torch::Tensor& position,
                           const PromptAxes& axes, Scene& scene, const TwoWayChanges& changes);

  Start start_;
  LayerOrder order_;
  std::shared_ptr<DecoderAttention> self_attn_, cross_attn_token_to_image_, cross_attn_image_to_token_;
  std::shared_ptr<MlpBlock> mlp_;
  std::vector<torch::nn::LayerNorm> norms_;  // "norm1" to "norm4"
};

/// As segment-anything's TwoWayTransformer with its parameter names; sites are "layers.<i>...." and
/// "final_attn_token_to_image....". A token's positional encoding is the token as it comes in.
class LAMINA_API TwoWayTransformer : public torch::nn::Module {
 public:
  struct Result {
    torch::Tensor tokens;               ///< [N, T, C]
    torch::Tensor image;                ///< [N, h, w, C]
    std::vector<torch::Tensor> layers;  ///< tokens behind each layer, before the closing attention
  };

  TwoWayTransformer(SiteHost& host, const TwoWaySpec& spec);
  Result forward(const torch::Tensor& tokens, ImageKeys image, const PromptAxes& axes, Scene& scene,
                 const TwoWayChanges& changes = {});

 private:
  std::vector<std::shared_ptr<TwoWayBlock>> layers_;
  std::shared_ptr<DecoderAttention> final_attn_token_to_image_;
  torch::nn::LayerNorm norm_final_attn_{nullptr};
};

}  // namespace lamina::nn
