// Convolution blocks of U-Nets, in two or three dimensions, with nnU-Net's parameter names.
#pragma once

#include <lamina/base/export.hpp>

#include <memory>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::nn {

/// How torch lays activations out in memory.
enum class MemoryFormat { Contiguous, ChannelsLast };

/// The tensor [B, C, (D,) H, W] in that layout; a copy only where needed. With one channel both layouts are the same
/// memory, and the strides say which one is meant: convolutions go by them.
LAMINA_API torch::Tensor lay_out(const torch::Tensor& tensor, MemoryFormat format);

/// What a convolution is made of; kernel and stride have 2 or 3 entries.
struct ConvSpec {
  int64_t in_channels = 1, out_channels = 1;
  std::vector<int64_t> kernel, stride;
  bool bias = true;
};

/// A convolution with padding (kernel - 1) / 2, or a transposed one without padding. Weights start as Kaiming normal
/// for a leaky slope of 0.01, biases as 0.
class LAMINA_API Conv : public torch::nn::Module {
 public:
  enum class Direction { Forward, Transposed };
  explicit Conv(const ConvSpec& spec, Direction direction = Direction::Forward);
  torch::Tensor forward(const torch::Tensor& input);

 private:
  torch::Tensor weight_, bias_;  // "weight", "bias"
  std::vector<int64_t> stride_, padding_;
  bool transposed_;
};

enum class Activation { None, LeakyRelu };

/// Instance normalisation with a learned scale and shift (eps 1e-5), optionally followed by a leaky ReLU of 0.01.
/// Channels-last activations stay so and take one pass for both where their number is a multiple of 8 (CPU, float32).
class LAMINA_API InstanceNorm : public torch::nn::Module {
 public:
  explicit InstanceNorm(int64_t channels);
  torch::Tensor forward(const torch::Tensor& input, Activation activation = Activation::None);
  /// Scale 0: a residual block that ends in it starts as its skip.
  void start_at_zero();

 private:
  torch::Tensor weight_, bias_;
};

/// conv -> norm -> activation: "conv.*", "norm.*".
class LAMINA_API ConvBlock : public torch::nn::Module {
 public:
  explicit ConvBlock(const ConvSpec& spec, Activation activation = Activation::LeakyRelu);
  torch::Tensor forward(const torch::Tensor& input);
  InstanceNorm& norm() { return *norm_; }

 private:
  std::shared_ptr<Conv> conv_;
  std::shared_ptr<InstanceNorm> norm_;
  Activation activation_;
};

/// `count` blocks, the first with the spec's stride and input channels: "convs.0.conv.weight", ...
class LAMINA_API ConvStack : public torch::nn::Module {
 public:
  ConvStack(int64_t count, const ConvSpec& spec);
  torch::Tensor forward(torch::Tensor input);

 private:
  std::vector<std::shared_ptr<ConvBlock>> convs_;
};

/// A list of modules under one name: children "0", "1", ...
LAMINA_API std::shared_ptr<torch::nn::Module> make_list(const std::vector<std::shared_ptr<torch::nn::Module>>& modules);

/// Leaky ReLU of 0.01, in place.
LAMINA_API torch::Tensor leaky(torch::Tensor input);

}  // namespace lamina::nn
