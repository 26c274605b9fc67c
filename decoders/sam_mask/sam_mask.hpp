// SAM's mask decoder: a mask and its predicted quality for every prompt, or one mask per class and slice.
#pragma once

#include <lamina/model/decoder.hpp>
#include <lamina/model/sam_decoder_options.hpp>
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/options/binder.hpp>

#include <string>

namespace lamina {

struct SamMaskOptions {
  std::string mask_tokens = "sam";
  int64_t upscale = 4;
  SamDecoderOptions sizes;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// mask_tokens sam: SAM's four tokens. Each prompt gives one mask, or three with Prompts::multimask; `classes` puts the
/// masks of each class together, see classes_of(). per_class: one token per class, the masks are the classes' logits.
class SamMask : public Decoder {
 public:
  using Options = SamMaskOptions;
  SamMask(const Options& options, const DecoderContext& context);

  PromptKinds accepts() const override;
  std::vector<std::string> needs() const override { return {"embedding"}; }
  Prediction decode(Scene& scene, const Streams<Prompts>& prompts) override;

 private:
  Output decode_stream(const torch::Tensor& embedding, const torch::Tensor& image, const Prompts& prompts,
                       Scene& scene);
  /// Masks [N, H, W] of prompts -> class logits [B, K, D, H, W]. A class's logit is the largest among its prompts'
  /// masks in that slice, or kAbsent without one; the background's is 0. So the class of a voxel is that of the
  /// strongest mask, where a mask is above SAM's threshold of 0, and with one class the probability is the mask's own
  /// sigmoid.
  torch::Tensor classes_of(const torch::Tensor& masks, const Prompts& prompts, const Axes& axes) const;
  torch::Tensor class_ids(const Prompts& prompts, const torch::Tensor& image_index) const;

  bool per_class_;
  int64_t classes_;
  PromptSpec prompts_;
  nn::SamDecoder decoder_;
};

}  // namespace lamina
