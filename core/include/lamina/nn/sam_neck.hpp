// What SAM's image encoders end in: from the width of their tokens to that of the embedding.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/layer_norm_2d.hpp>

#include <cstdint>
#include <memory>

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

namespace lamina::nn {

/// [N, C, h, w] -> [N, E, h, w]: convolution 1x1, norm, convolution 3x3, norm. Parameters: "0.*" to "3.*", convolutions
/// without bias. As segment-anything's ImageEncoderViT.neck.
class LAMINA_API SamNeck : public torch::nn::Module {
 public:
  SamNeck(int64_t channels, int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  torch::nn::Conv2d narrow_{nullptr}, smooth_{nullptr};
  std::shared_ptr<LayerNorm2d> first_norm_, second_norm_;
};

}  // namespace lamina::nn
