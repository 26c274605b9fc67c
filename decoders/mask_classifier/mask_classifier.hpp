// MaskSAM's decoder: SAM's mask decoder with one more token, whose output says the class of the query's mask.
#pragma once

#include "semantic.hpp"
#include "volume_head.hpp"

#include <lamina/model/decoder.hpp>
#include <lamina/model/sam_decoder_options.hpp>
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/options/binder.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>

namespace lamina {

struct MaskClassifierOptions {
  std::string head = "bilinear", background = "class", deep_supervision = "none", compat = "repaired";
  std::optional<int64_t> head_channels;
  std::optional<double> mask_bias;
  bool global_token = true, semantic_gradient = false;
  SamDecoderOptions sizes;
  void bind(OptionBinder& o);
};

/// Tokens of a query: quality, SAM's four mask tokens, its prompts, the classifier token. The first mask token gives
/// the mask, the classifier token the class logits; the other mask tokens and the quality head are SAM's and stay
/// unused.
class MaskClassifier : public Decoder {
 public:
  using Options = MaskClassifierOptions;
  MaskClassifier(const Options& options, const DecoderContext& context);

  PromptKinds accepts() const override;
  std::vector<std::string> needs() const override { return {"embedding"}; }
  Prediction decode(Scene& scene, const Streams<Prompts>& prompts) override;

 private:
  enum class Head { Bilinear, Own };
  void make_head(const Options& options, double stride);
  torch::Tensor classifier_tokens(const Prompts& prompts, int64_t count) const;
  torch::Tensor enlarge(const torch::Tensor& low_res, const std::array<int64_t, 2>& size) const;
  torch::Tensor masks_of(const torch::Tensor& low_res, const Axes& axes, const std::array<int64_t, 2>& size, Head head);
  Output output_of(const torch::Tensor& tokens, const torch::Tensor& pixels, const Axes& axes,
                   const std::array<int64_t, 2>& size, Head head);
  Output decode_stream(const torch::Tensor& embedding, const torch::Tensor& image, const Prompts& prompts,
                       Scene& scene);

  Options options_;
  PromptSpec prompts_;
  mask_classifier::Background background_;
  nn::SamDecoder decoder_;
  torch::nn::Embedding classifier_token_{nullptr};  // "classifier_token_Adapter"
  torch::nn::Linear classifier_embed_{nullptr};     // "classifier_embed_Adapter"
  torch::Tensor mask_bias_;                         // only when asked for
  std::shared_ptr<mask_classifier::VolumeHead> final_conv_;
};

}  // namespace lamina
