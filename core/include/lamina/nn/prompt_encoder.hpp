// SAM's prompt encoder: points, boxes and masks become tokens and a map over the image's cells.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/fourier_pe.hpp>
#include <lamina/nn/pixel_conv.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

namespace lamina::nn {

/// From a pixel's corner to its centre, in pixels: SAM adds it to every position.
inline constexpr double kPixelCentre = 0.5;

struct PromptEncoderSpec {
  int64_t channels = 256;
  std::array<int64_t, 2> grid{64, 64};      ///< cells of the image embedding (y, x)
  std::array<double, 2> stride{16, 16};     ///< patch pixels per cell (y, x)
  std::array<double, 2> frame{1024, 1024};  ///< patch pixels (y, x) that positions 0..1 span
  double centre = kPixelCentre;             ///< added to positions, in patch pixels
  int64_t mask_channels = 16;               ///< hidden channels of mask_downscaling
};

/// As segment-anything's PromptEncoder, parameter names included; image-like results are channels-last. Positions are
/// (x, y) pixels of the patch.
class LAMINA_API PromptEncoder : public torch::nn::Module {
 public:
  explicit PromptEncoder(const PromptEncoderSpec& spec);

  /// points [N, P, 2], labels [N, P] (1 object, 0 background, -1 no point), boxes [N, 4] (x1, y1, x2, y2) -> tokens
  /// [N, S, C]: points, then the two corners of the box. Points without a box get a closing "no point", as in the
  /// reference. Undefined tensors mean none; without any the result is undefined.
  torch::Tensor sparse(const torch::Tensor& points, const torch::Tensor& labels, const torch::Tensor& boxes) const;
  /// Logits of an earlier mask, [N, 1, 4h, 4w] -> [N, h, w, C].
  torch::Tensor dense(const torch::Tensor& mask_logits) const;
  /// What stands for a missing mask: [1, 1, 1, C].
  torch::Tensor no_mask() const;
  /// Positional encoding of the cells: [1, h, w, C].
  torch::Tensor dense_pe() const;

  const PromptEncoderSpec& spec() const { return spec_; }

 private:
  torch::Tensor embed_positions(const torch::Tensor& pixels) const;
  torch::Tensor embed_points(const torch::Tensor& points, const torch::Tensor& labels) const;
  torch::Tensor embed_boxes(const torch::Tensor& boxes) const;
  void make_mask_downscaling();

  PromptEncoderSpec spec_;
  std::shared_ptr<FourierPe> pe_layer_;
  std::vector<torch::nn::Embedding> point_embeddings_;  // background, object, upper left corner, lower right corner
  torch::nn::Embedding not_a_point_embed_{nullptr}, no_mask_embed_{nullptr};
  std::shared_ptr<MergePixels> merge_[2];
  torch::nn::LayerNorm norm_[2]{nullptr, nullptr};
  std::shared_ptr<MapPixels> map_;
};

}  // namespace lamina::nn
