// H-SAM's decoder: SAM's mask decoder with a mask per class, and a second one that its masks guide.
#pragma once

#include "second_decoder.hpp"

#include <lamina/model/decoder.hpp>
#include <lamina/model/sam_decoder_options.hpp>
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/options/binder.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct HierarchicalOptions {
  int64_t stages = 2, hyper_layers = 5, cmattn_channels = 2048;
  std::string layer_order = "cross_first", mask_attn = "mul_post", fuse = "mean", compat = "repaired";
  std::optional<std::string> cmattn;
  std::optional<int64_t> cmattn_heads;
  bool cmattn_noise = true, pixel_skip = true;
  std::vector<double> noise_std{0.35, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0, 0};
  double embed_noise = 0.2, token_dropout = 0.2;
  SamDecoderOptions sizes;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// The first decoder's parameters and sites are those of SAM's, the second one's stand under "mask_decoder2.". While
/// training, `classes` are the second decoder's and `stages` hold the first one's; at prediction `fuse` says.
class Hierarchical : public Decoder {
 public:
  using Options = HierarchicalOptions;
  Hierarchical(const Options& options, const DecoderContext& context);

  PromptKinds accepts() const override { return {}; }
  std::vector<std::string> needs() const override { return {"embedding"}; }
  LabelUse uses_labels() const override { return noisy_ ? LabelUse::WhileTraining : LabelUse::Never; }
  Prediction decode(Scene& scene, const Streams<Prompts>& prompts) override;

 private:
  struct Stages {
    torch::Tensor first, second;  ///< class logits [N, K, ., .]; second: undefined with one stage
    torch::Tensor prior, gate;    ///< [N, K, h*w], [N, h, w, 1]; undefined where there is none
  };

  Stages run(const torch::Tensor& embedding, const torch::Tensor& labels, const Axes& axes, Scene& scene);
  /// The first decoder's class maps [N, K, h*w], while training with dropout and noise.
  torch::Tensor maps_of(const nn::SamDecoder::Result& first, const torch::Tensor& labels, Scene& scene) const;
  /// The label of every cell, [N, h*w].
  torch::Tensor labels_of_cells(const torch::Tensor& labels) const;
  Output output_of(const Stages& stages, const torch::Tensor& image, const Axes& axes, Scene& scene) const;

  Options options_;
  bool noisy_;
  int64_t classes_;
  PromptSpec prompts_;
  nn::SamDecoder decoder_;
  std::shared_ptr<hierarchical::SecondDecoder> second_;
};

}  // namespace lamina
