// Encoders of SAM for tests, by the options of their entry.
#pragma once

#include "component_test.hpp"

namespace lamina::testing {

/// `options` is JSON behind the type: R"("size": "tiny")".
inline std::shared_ptr<Backbone> sam_encoder(const std::string& options, const BackboneContext& context) {
  auto encoder = registry().create<Backbone>(json(R"({"type": "sam_vit", )" + options + "}"), "model.encoder", context);
  encoder->settle({context.image_channels, context.patch});
  return encoder;
}

/// Features of an image, with gradients.
inline Features encoded(Backbone& encoder, const torch::Tensor& image, const NameSet& wanted = {"embedding"}) {
  Scene scene(Mode::Train);
  return encoder.encode(image, wanted, scene);
}

}  // namespace lamina::testing
