// H-SAM's second decoder: SAM's once more, with attention that the first one's masks steer, and finer pixels.
#pragma once

#include "class_gate.hpp"

#include <lamina/nn/mask_head.hpp>
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/nn/two_way_transformer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>

namespace lamina::hierarchical {

struct SecondDecoderSpec {
  int64_t classes = 2;
  nn::TwoWaySpec transformer;
  std::vector<int64_t> upscale_channels;  ///< behind the first decoder's doublings; two more follow here
  std::optional<ClassGateSpec> gate;
  bool pixel_skip = true;  ///< the first decoder's pixels stand beside this one's
  int64_t hyper_layers = 5;
  bool unused_tensors = false;  ///< also registers what the released code has and never uses
};

/// Parameters as the released mask_decoder2's: transformer2, mask_tokens, output_upscaling, skip_connect,
/// output_hypernetworks_mlps2 and those of ClassGate. Sites are <prefix>layers.<i>...., <prefix>self_attn.... and so
/// on.
class SecondDecoder : public torch::nn::Module {
 public:
  struct Result {
    torch::Tensor masks;  ///< class logits [N, K, 16h, 16w]
    torch::Tensor gate;   ///< [N, h, w, 1]; undefined without one
  };

  SecondDecoder(SiteHost& host, const std::string& prefix, const SecondDecoderSpec& spec);
  /// `keys`: what the first decoder read, perhaps with noise; `maps` [N, K, h*w]: its class maps, for the gate;
  /// `pixels`: its upscaled image; `changes`: the prior's gate on attention.
  Result forward(nn::ImageKeys keys, const torch::Tensor& maps, const torch::Tensor& pixels, const nn::PromptAxes& axes,
                 const nn::TwoWayChanges& changes, Scene& scene);

 private:
  void make_unused(int64_t channels, int64_t classes, int64_t layers);

  SecondDecoderSpec spec_;
  std::shared_ptr<nn::TwoWayTransformer> transformer2_;
  torch::nn::Embedding mask_tokens_{nullptr};
  std::shared_ptr<nn::PixelDoublings> output_upscaling_, skip_connect_;
  std::shared_ptr<nn::HyperNetworks> output_hypernetworks_mlps2_;
  std::optional<ClassGate> gate_;
};

}  // namespace lamina::hierarchical
