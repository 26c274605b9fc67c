// Feature -> 1x1x1 convolution -> the size of the image.
#include "my_component.hpp"

#include <lamina/base/error.hpp>
#include <lamina/nn/fold.hpp>

#include <cmath>

#include <ATen/ATen.h>

namespace my_component {
namespace {

lamina::FeatureSpec chosen(const std::string& name, const std::vector<lamina::FeatureSpec>& features) {
  if (features.empty()) throw lamina::ConfigError("the decoder my_component needs an encoder that gives features");
  return name.empty() ? features.back() : lamina::spec_of(features, name);
}

}  // namespace

MyComponent::MyComponent(const Options& options, const lamina::DecoderContext& context)
    : feature_(chosen(options.feature, context.features)) {
  const double spread = 1 / std::sqrt(static_cast<double>(feature_.channels));
  weight_ = register_parameter("weight", at::randn({context.classes, feature_.channels, 1, 1, 1}) * spread);
  bias_ = register_parameter("bias", at::zeros({context.classes}));
}

lamina::PromptKinds MyComponent::accepts() const { return {}; }
std::vector<std::string> MyComponent::needs() const { return {feature_.name}; }

lamina::Prediction MyComponent::decode(lamina::Scene& scene, const lamina::Streams<lamina::Prompts>&) {
  lamina::Prediction prediction;
  for (const auto& [stream, image] : scene.batch().images) {
    torch::Tensor feature = scene.features.at(stream).at(feature_.name);
    // A 2D encoder hands on slices, [B*D, C, h, w].
    if (feature_.folded) feature = lamina::nn::unfold_depth(feature, image.size(0), image.size(2));
    const torch::Tensor coarse = at::conv3d(feature, weight_, bias_);  // [B, K, d, h, w]
    lamina::Output output;
    output.classes = at::upsample_trilinear3d(coarse, {image.size(2), image.size(3), image.size(4)}, false);
    prediction.outputs.set(stream, output);
  }
  return prediction;
}

}  // namespace my_component
