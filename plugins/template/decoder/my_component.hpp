// Decoder my_component: one linear map from a single feature to the classes, enlarged to the patch. The baseline that
// shows how much the encoder knows by itself.
#pragma once

#include <lamina/model/decoder.hpp>
#include <lamina/options/binder.hpp>

namespace my_component {

struct Options {
  std::string feature;

  void bind(lamina::OptionBinder& o) {
    o.field("feature", feature, "Which feature of the encoder; empty: the last one");
  }
};

class MyComponent : public lamina::Decoder {
 public:
  using Options = my_component::Options;
  MyComponent(const Options& options, const lamina::DecoderContext& context);
  lamina::PromptKinds accepts() const override;
  std::vector<std::string> needs() const override;
  lamina::Prediction decode(lamina::Scene& scene, const lamina::Streams<lamina::Prompts>& prompts) override;

 private:
  lamina::FeatureSpec feature_;
  torch::Tensor weight_, bias_;
};

}  // namespace my_component
