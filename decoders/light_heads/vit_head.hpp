// The light head that keeps SAM's mask decoder: no prompts, but tokens of its own for every class.
#pragma once

#include "light_head.hpp"

#include <lamina/model/sam_decoder_options.hpp>
#include <lamina/nn/fourier_pe.hpp>
#include <lamina/nn/mask_head.hpp>
#include <lamina/nn/two_way_transformer.hpp>
#include <lamina/options/binder.hpp>

#include <memory>

namespace lamina {

struct VitHeadOptions {
  SamDecoderOptions sizes;
  void bind(OptionBinder& o) { sizes.bind(o); }
};

/// Each class is a query of its own: a quality token and two mask tokens read the image and each other, and the first
/// mask token gives the class's logits. Transformer, upscaling and hypernetworks are shared by the classes. Parameters
/// as the released mask decoder's; positions come from the buffer "pe_layer.positional_encoding_gaussian_matrix".
/// Sites: "dense_pe" and those of the transformer.
class VitHead : public LightHead {
 public:
  using Options = VitHeadOptions;
  VitHead(const Options& options, const DecoderContext& context);

 protected:
  torch::Tensor logits(const torch::Tensor& embedding, const Axes& axes, Scene& scene) override;

 private:
  std::array<int64_t, 2> grid_;
  std::array<double, 2> frame_;  // cells that positions 0..1 span
  std::shared_ptr<nn::FourierPe> pe_layer_;
  std::shared_ptr<nn::TwoWayTransformer> transformer_;
  nn::MaskHead head_;
  SiteId dense_pe_;
};

}  // namespace lamina
