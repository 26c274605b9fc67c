// What SAM's image encoders end in: from the width of their tokens to that of the embedding.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/layer_norm_2d.hpp>
#include <lamina/nn/site.hpp>

#include <cstdint>
#include <memory>

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

namespace lamina::nn {

/// Convolution 1x1, norm, convolution 3x3, norm. Parameters: "0.*" to "3.*", convolutions without bias. Sites
/// neck.input and neck.out (streams). As segment-anything's ImageEncoderViT.neck.
class LAMINA_API SamNeck : public torch::nn::Module {
 public:
  SamNeck(SiteHost& host, int64_t channels, int64_t out_channels);
  /// Grid [N, h, w, C] -> embedding [N, E, h, w].
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene);

 private:
  SiteHost& host_;
  SiteId input_, out_;
  torch::nn::Conv2d narrow_{nullptr}, smooth_{nullptr};
  std::shared_ptr<LayerNorm2d> first_norm_, second_norm_;
};

}  // namespace lamina::nn
