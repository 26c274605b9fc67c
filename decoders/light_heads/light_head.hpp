// What the three light heads share: an image embedding goes in, class logits of each slice come out, nothing prompts.
#pragma once

#include <lamina/model/decoder.hpp>

#include <array>
#include <string>

namespace lamina {

class LightHead : public Decoder {
 public:
  PromptKinds accepts() const final { return {}; }
  std::vector<std::string> needs() const final { return {"embedding"}; }
  Prediction decode(Scene& scene, const Streams<Prompts>& prompts) final;

 protected:
  /// `name`: of the component, for errors. ConfigError where the encoder makes no image embedding.
  LightHead(const std::string& name, const DecoderContext& context);
  /// embedding [B*D, C, h, w] -> class logits [B*D, K, H, W] of any size; they are resized to the patch.
  virtual torch::Tensor logits(const torch::Tensor& embedding, const Axes& axes, Scene& scene) = 0;

  const FeatureSpec& embedding() const { return embedding_; }
  int64_t classes() const { return classes_; }

 private:
  FeatureSpec embedding_;
  int64_t classes_;
};

}  // namespace lamina
