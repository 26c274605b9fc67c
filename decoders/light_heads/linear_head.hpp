// The smallest light head: SAM's upscaling, then a linear map per pixel.
#pragma once

#include "light_head.hpp"

#include <lamina/nn/mask_head.hpp>
#include <lamina/options/binder.hpp>

#include <memory>

namespace lamina {

struct LinearHeadOptions {
  std::vector<int64_t> upscale_channels;
  std::string compat = "repaired";
  void bind(OptionBinder& o);
};

/// Parameters: "output_upscaling.{0,1,3}.*", "final.{0,2}.*".
class LinearHead : public LightHead {
 public:
  using Options = LinearHeadOptions;
  LinearHead(const Options& options, const DecoderContext& context);

 protected:
  torch::Tensor logits(const torch::Tensor& embedding, const Axes& axes, Scene& scene) override;

 private:
  bool final_relu_;
  int64_t doublings_;
  std::shared_ptr<nn::PixelDoublings> output_upscaling_;
  std::shared_ptr<nn::MapPixels> mix_, classify_;
};

}  // namespace lamina
