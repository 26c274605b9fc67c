// The attending half of TinyViT: attention inside windows, a depthwise convolution across them, a perceptron.
#pragma once

#include "conv_blocks.hpp"

#include <lamina/nn/mlp_block.hpp>
#include <lamina/nn/site.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

namespace lamina::mobile_sam {

/// [window*window, window*window] -> which entry of attention_biases belongs to a query and a key (cells row by row):
/// the one of their distances along y and x, |dy| * window + |dx|. That is the order in which TinyViT meets them.
torch::Tensor bias_index(int64_t window);

/// Attention inside windows behind a norm: "norm.*", "qkv.*", "proj.*", "attention_biases" [heads, window*window]. The
/// output of qkv holds queries, keys and values of the first head, then of the second, ...
///
/// Sites: <path>.qkv, <path>.proj (projections), <path>.out (sublayer, inside the windows), <path>.merged (sublayer,
/// windows joined); the input of both sublayers is the normed grid.
class WindowAttention : public torch::nn::Module {
 public:
  struct Spec {
    int64_t channels, heads, window;
  };
  WindowAttention(SiteHost& host, const std::string& path, const Spec& spec);
  /// [N, h, w, C] -> the same shape. Zeros fill up windows in front of the norm and are not masked.
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene);

 private:
  torch::Tensor in_windows(const torch::Tensor& normed, const Axes& axes, Scene& scene);
  torch::Tensor in_windows_without_padding(const torch::Tensor& normed, const Axes& axes, Scene& scene);
  torch::Tensor attend(const torch::Tensor& qkv);
  torch::Tensor biases();

  SiteHost& host_;
  Spec spec_;
  torch::nn::LayerNorm norm_{nullptr};
  std::shared_ptr<nn::SiteLinear> qkv_, proj_;
  torch::Tensor attention_biases_, index_;
  SiteId out_, merged_;
};

/// fc2(GELU(fc1(norm(x)))): "norm.*", "fc1.*", "fc2.*". Sites: <path>.fc1, <path>.fc2 (projections), <path>.out
/// (sublayer; its input is the normed grid).
class NormedMlp : public torch::nn::Module {
 public:
  NormedMlp(SiteHost& host, const std::string& path, int64_t channels);
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene);

 private:
  SiteHost& host_;
  torch::nn::LayerNorm norm_{nullptr};
  std::shared_ptr<nn::SiteLinear> fc1_, fc2_;
  SiteId out_;
};

/// y = x + attn(x); z = local_conv(y); z + mlp(z). Parameters: "attn.*", "local_conv.*", "mlp.*". Sites: those of attn
/// and mlp, and <path>.input, <path>.mid, <path>.output (streams), <path>.local_conv.out (sublayer).
class WindowBlock : public Block {
 public:
  WindowBlock(SiteHost& host, const std::string& path, const WindowAttention::Spec& spec);
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene, Pass pass) override;

 private:
  torch::Tensor stream(SiteId site, const torch::Tensor& grid, const Axes& axes, Scene& scene) const;

  SiteHost& host_;
  SiteId input_, mid_, local_out_, output_;
  std::shared_ptr<WindowAttention> attn_;
  std::shared_ptr<ConvNorm> local_conv_;
  std::shared_ptr<NormedMlp> mlp_;
};

}  // namespace lamina::mobile_sam
