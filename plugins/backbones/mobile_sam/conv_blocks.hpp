// The convolutional half of TinyViT. Everything takes and gives grids [N, h, w, C]; convolutions see them as
// channels-last images, so nothing is copied in between.
#pragma once

#include <lamina/nn/site.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

namespace lamina::mobile_sam {

/// Again: the backward pass of a checkpointed block, whose batch statistics have been taken note of already.
enum class Pass { First, Again };

/// A step of the encoder: from a grid [N, h, w, C] to another.
class Block : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene, Pass pass) = 0;
};

struct ConvNormSpec {
  int64_t in_channels, out_channels;
  int64_t kernel = 1, stride = 1, groups = 1;
  double scale = 1;  ///< that the norm starts with
};

/// A convolution without bias with padding (kernel - 1) / 2, then batch norm: "c.weight", "bn.*". While it trains, the
/// norm goes by the batch, and its running statistics follow; frozen or at prediction it goes by these.
class ConvNorm : public torch::nn::Module {
 public:
  explicit ConvNorm(const ConvNormSpec& spec);
  /// [N, h, w, in] -> [N, ceil(h / stride), ceil(w / stride), out].
  torch::Tensor forward(const torch::Tensor& grid, Pass pass);

 private:
  torch::nn::Conv2d conv_;
  torch::nn::BatchNorm2d norm_;
};

/// Slices [N, H, W, 3] -> cells [N, H/4, W/4, C] by two convolutions of stride 2: "seq.0.*", "seq.2.*".
class PatchEmbed : public torch::nn::Module {
 public:
  explicit PatchEmbed(int64_t channels);
  torch::Tensor forward(const torch::Tensor& slices, Pass pass);

 private:
  std::shared_ptr<ConvNorm> first_, second_;
};

/// Three convolutions, "conv1.*" to "conv3.*": 1x1, depthwise 3x3, 1x1, with a GELU behind the first two.
class ThreeConvs : public Block {
 protected:
  struct Spec {
    int64_t in_channels, hidden, out_channels;
    int64_t stride = 1;     ///< of the depthwise one
    double last_scale = 1;  ///< that the last norm starts with
  };
  explicit ThreeConvs(const Spec& spec);
  torch::Tensor convolve(const torch::Tensor& grid, Pass pass);

 private:
  std::shared_ptr<ConvNorm> first_, depthwise_, last_;
};

/// GELU(x + convolutions(x)), four times as wide inside; starts as GELU(x). Sites: <path>.input, <path>.output
/// (streams).
class MbConv : public ThreeConvs {
 public:
  MbConv(SiteHost& host, const std::string& path, int64_t channels);
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene, Pass pass) override;

 private:
  SiteHost& host_;
  SiteId input_, output_;
};

/// What lies between two stages: convolutions that change the channels and, with a stride of 2, halve the grid.
class PatchMerging : public ThreeConvs {
 public:
  PatchMerging(int64_t in_channels, int64_t out_channels, int64_t stride);
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene, Pass pass) override;
};

}  // namespace lamina::mobile_sam
