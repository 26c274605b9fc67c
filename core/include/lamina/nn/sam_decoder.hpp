// Everything of SAM behind its image encoder: prompt encoder, two-way transformer, mask head. Decoders of SAM's family
// are built on it.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/mask_head.hpp>
#include <lamina/nn/prompt_encoder.hpp>
#include <lamina/nn/two_way_transformer.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::nn {

struct SamDecoderSpec {
  int64_t channels = 256;                    ///< of the image embedding
  std::array<int64_t, 2> patch{1024, 1024};  ///< pixels (y, x)
  std::array<double, 2> stride{16, 16};      ///< patch pixels per cell of the embedding (y, x)
  std::array<double, 2> frame{1024, 1024};   ///< patch pixels (y, x) that positions 0..1 span
  double centre = kPixelCentre;              ///< added to positions, in patch pixels
  int64_t depth = 2, heads = 8, mlp_channels = 2048;
  int64_t mask_tokens = 4;
  std::vector<int64_t> upscale_channels;  ///< behind each doubling; empty: channels / 4, channels / 8
  LayerOrder order = LayerOrder::TokensFirst;
};

/// Sizes of a two-way transformer; ConfigError when the heads do not divide the channels.
LAMINA_API TwoWaySpec two_way_spec(int64_t channels, int64_t depth, int64_t heads, int64_t mlp_channels);
/// `given`, or where it is empty SAM's two doublings: channels / 4, channels / 8. ConfigError where nothing is left.
LAMINA_API std::vector<int64_t> upscale_channels_of(const std::vector<int64_t>& given, int64_t channels);
/// Cells of an embedding with this stride over the patch (y, x); ConfigError where they are no whole number.
LAMINA_API std::array<int64_t, 2> grid_of(const std::array<int64_t, 2>& patch, const std::array<double, 2>& stride);

/// Prompts as tensors; undefined: none.
struct SamPrompts {
  torch::Tensor points, point_labels;  ///< [N, P, 2], [N, P]
  torch::Tensor boxes;                 ///< [N, 4]
  torch::Tensor mask_logits;           ///< [N, 1, 4h, 4w]
  torch::Tensor sparse, dense;  ///< ready embeddings: [N, S, C] behind the encoded ones, [N, C, h, w] instead of a mask
  torch::Tensor last;           ///< tokens that close the list, [N, T, C]
};

/// Registers its parts in `owner` under the reference's names (prompt_encoder, transformer, iou_token, ...) and
/// publishes their sites on `host`, besides "dense_pe": the cells' positional encoding, [1, h, w, C], or one row per
/// slice behind an adapter that makes it so.
class LAMINA_API SamDecoder {
 public:
  struct Result {
    torch::Tensor tokens;               ///< [N, T, C]: quality, masks, prompts, last
    torch::Tensor pixels;               ///< upscaled image, as MaskHead::upscale
    torch::Tensor image;                ///< cells behind the transformer, [N, h, w, C]
    ImageKeys keys;                     ///< cells and positions that went into it
    std::vector<torch::Tensor> layers;  ///< tokens behind each layer
  };

  /// ConfigError when the embedding is no whole grid over the patch, or the heads do not divide the channels.
  SamDecoder(torch::nn::Module& owner, SiteHost& host, const SamDecoderSpec& spec);

  /// embedding [B*D, C, h, w]; axes.image_index [N] says the slice of each prompt.
  Result decode(const torch::Tensor& embedding, const SamPrompts& prompts, const Axes& axes, Scene& scene);
  const MaskHead& head() const { return head_; }
  const std::array<int64_t, 2>& grid() const { return prompt_encoder_->spec().grid; }

 private:
  torch::Tensor tokens_of(const SamPrompts& prompts, int64_t count) const;
  ImageKeys keys_of(const torch::Tensor& embedding, const SamPrompts& prompts, const Axes& axes, Scene& scene) const;

  SiteHost& host_;
  std::shared_ptr<PromptEncoder> prompt_encoder_;
  std::shared_ptr<TwoWayTransformer> transformer_;
  MaskHead head_;
  SiteId dense_pe_;
};

/// Bilinear resizing (align_corners false) of [N, M, h, w] to (height, width); nothing where it has that size.
LAMINA_API torch::Tensor resize_masks(const torch::Tensor& masks, int64_t height, int64_t width);

}  // namespace lamina::nn
