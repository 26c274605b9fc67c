// The two kinds of stages of the encoder, with nnU-Net's parameter names.
#pragma once

#include <lamina/nn/conv_block.hpp>

#include <memory>
#include <vector>

namespace lamina::unet_encoder {

/// One resolution of the encoder.
class Stage : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(torch::Tensor input) = 0;
};

/// Convolutions in a row, the first with the stride: "0.convs.0.conv.weight".
class PlainStage : public Stage {
 public:
  PlainStage(int64_t count, const nn::ConvSpec& spec);
  torch::Tensor forward(torch::Tensor input) override;

 private:
  std::shared_ptr<nn::ConvStack> convs_;
};

/// conv-norm-relu, conv-norm, plus the skip, relu. The skip is pooled where the block has a stride and projected where
/// the channels change (ResNet-D).
class ResidualBlock : public torch::nn::Module {
 public:
  explicit ResidualBlock(const nn::ConvSpec& spec);
  torch::Tensor forward(const torch::Tensor& input);

 private:
  torch::Tensor skip(torch::Tensor input);

  std::shared_ptr<nn::ConvBlock> conv1_, conv2_, projection_;
  std::vector<int64_t> pool_;  // empty: none
};

/// Residual blocks in a row, the first with the stride: "blocks.0.conv1.conv.weight".
class ResidualStage : public Stage {
 public:
  ResidualStage(int64_t count, const nn::ConvSpec& spec);
  torch::Tensor forward(torch::Tensor input) override;

 private:
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
};

}  // namespace lamina::unet_encoder
