// A light head of convolutions: wide at the embedding's resolution, half as wide with every block.
#pragma once

#include "light_head.hpp"

#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/layer_norm_2d.hpp>
#include <lamina/options/binder.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina {

struct CnnHeadOptions {
  int64_t depth = 4, channels = 64;
  std::string norm = "none";
  void bind(OptionBinder& o);
};

namespace light_heads {

/// Convolutions "0" and "2" of 3x3, each behind a norm (if any) and before a ReLU. Up: none of them changes the width,
/// and "4", a transposed convolution, doubles the resolution and halves the channels. Plain: "2" halves them.
class CnnBlock : public torch::nn::Module {
 public:
  enum class Kind { Plain, Up };
  CnnBlock(int64_t channels, Kind kind, const std::string& norm);
  torch::Tensor forward(torch::Tensor input);

 private:
  torch::Tensor normalised(size_t index, const torch::Tensor& input);

  std::vector<std::shared_ptr<nn::Conv>> convs_;
  std::vector<std::shared_ptr<nn::InstanceNorm>> instance_norms_;
  std::vector<std::shared_ptr<nn::LayerNorm2d>> layer_norms_;
  std::shared_ptr<nn::Conv> up_;
};

}  // namespace light_heads

/// Parameters: "input_block.{0,2}.*", "blocks.<i>.{0,2[,4]}.*", "final.{0,1}.*", as the released code's.
class CnnHead : public LightHead {
 public:
  using Options = CnnHeadOptions;
  CnnHead(const Options& options, const DecoderContext& context);

 protected:
  torch::Tensor logits(const torch::Tensor& embedding, const Axes& axes, Scene& scene) override;

 private:
  std::vector<std::shared_ptr<nn::Conv>> input_block_, final_;
  std::vector<std::shared_ptr<light_heads::CnnBlock>> blocks_;
};

}  // namespace lamina
