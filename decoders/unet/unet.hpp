// nnU-Net's decoder: transposed convolutions upwards, skips beside them, a segmentation layer at every resolution.
#pragma once

#include <lamina/model/decoder.hpp>
#include <lamina/nn/conv_block.hpp>
#include <lamina/options/binder.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina {

struct UnetOptions {
  bool deep_supervision = true, conv_bias = true;
  std::vector<int64_t> convs_per_stage{2};
  void bind(OptionBinder& o);
};

class Unet : public Decoder {
 public:
  using Options = UnetOptions;
  Unet(const Options& options, const DecoderContext& context);

  PromptKinds accepts() const override { return {}; }
  std::vector<std::string> needs() const override;
  Prediction decode(Scene& scene, const Streams<Prompts>& prompts) override;

 private:
  void make_level(const FeatureSpec& below, const FeatureSpec& skip, int64_t convs, const DecoderContext& context);
  Output decode_stream(const Features& features, const Size3& image, int64_t batch, bool training) const;
  torch::Tensor classes(size_t level, const torch::Tensor& features, int64_t batch) const;

  Options options_;
  std::vector<FeatureSpec> pyramid_;  // finest first
  bool folded_;
  // By level, coarsest first.
  std::vector<std::shared_ptr<nn::Conv>> transpconvs_, seg_layers_;
  std::vector<std::shared_ptr<nn::ConvStack>> stages_;
};

}  // namespace lamina
