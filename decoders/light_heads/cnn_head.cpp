// Convolutions from the embedding to class logits.
#include "cnn_head.hpp"

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kPlainBlocks = 2;  // of a head deeper than that
constexpr size_t kSequenceStep = 2;  // convolution, ReLU

nn::ConvSpec square(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return {in, out, {kernel, kernel}, {stride, stride}, true};
}

// Deep heads start at the resolution of the embedding for two blocks; others double it with every block.
light_heads::CnnBlock::Kind kind_of(int64_t block, int64_t depth) {
  const bool plain = depth > kPlainBlocks && block < kPlainBlocks;
  return plain ? light_heads::CnnBlock::Kind::Plain : light_heads::CnnBlock::Kind::Up;
}

}  // namespace

namespace light_heads {

CnnBlock::CnnBlock(int64_t channels, Kind kind, const std::string& norm) {
  const int64_t widths[] = {channels, kind == Kind::Plain ? channels / 2 : channels};
  for (size_t i = 0; i < 2; ++i) {
    const std::string name = std::to_string(kSequenceStep * i);
    convs_.push_back(register_module(name, std::make_shared<nn::Conv>(square(channels, widths[i], 3))));
    if (norm == "instance")
      instance_norms_.push_back(register_module("norm" + name, std::make_shared<nn::InstanceNorm>(widths[i])));
    if (norm == "layer")
      layer_norms_.push_back(register_module("norm" + name, std::make_shared<nn::LayerNorm2d>(widths[i])));
  }
  if (kind == Kind::Up)
    up_ = register_module(
        "4", std::make_shared<nn::Conv>(square(channels, channels / 2, 2, 2), nn::Conv::Direction::Transposed));
}

torch::Tensor CnnBlock::normalised(size_t index, const torch::Tensor& input) {
  if (!instance_norms_.empty()) return instance_norms_[index]->forward(input);
  return layer_norms_.empty() ? input : layer_norms_[index]->forward(input);
}

torch::Tensor CnnBlock::forward(torch::Tensor input) {
  for (size_t i = 0; i < convs_.size(); ++i) input = at::relu(normalised(i, convs_[i]->forward(input)));
  return up_ ? up_->forward(input) : input;
}

}  // namespace light_heads

void CnnHeadOptions::bind(OptionBinder& o) {
  o.field("depth", depth,
          "Blocks. With 2 each doubles the resolution; from 3 on the first two keep it: 4, 2, 4, 8 times the "
          "embedding's for 2, 3, 4, 5",
          Range{2, 5});
  o.field("channels", channels, "Behind the last block; each block before it has twice as many", AtLeast{1});
  o.field("norm", norm, "Behind the 3x3 convolutions of the blocks; the released code has none",
          OneOf{"none", "instance", "layer"});
}

CnnHead::CnnHead(const Options& options, const DecoderContext& context) : LightHead("cnn_head", context) {
  int64_t width = options.channels << options.depth;
  auto input = register_module("input_block", std::make_shared<torch::nn::Module>("stack"));
  input_block_ = {input->register_module("0", std::make_shared<nn::Conv>(square(embedding().channels, width, 1))),
                  input->register_module("2", std::make_shared<nn::Conv>(square(width, width, 1)))};
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < options.depth; ++i, width /= 2) {
    blocks_.push_back(std::make_shared<light_heads::CnnBlock>(width, kind_of(i, options.depth), options.norm));
    children.push_back(blocks_.back());
  }
  register_module("blocks", nn::make_list(children));
  auto last = register_module("final", std::make_shared<torch::nn::Module>("stack"));
  final_ = {last->register_module("0", std::make_shared<nn::Conv>(square(width, width, 3))),
            last->register_module("1", std::make_shared<nn::Conv>(square(width, classes(), 1)))};
}

torch::Tensor CnnHead::logits(const torch::Tensor& embedding, const Axes&, Scene&) {
  torch::Tensor x = embedding;
  for (const auto& conv : input_block_) x = at::relu(conv->forward(x));
  for (const auto& block : blocks_) x = block->forward(x);
  for (const auto& conv : final_) x = conv->forward(x);
  return x;
}

}  // namespace lamina
