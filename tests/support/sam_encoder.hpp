// Encoders of SAM for tests, by the options of their entry.
#pragma once

#include "component_test.hpp"

#include <ATen/autocast_mode.h>

namespace lamina::testing {

/// `options` is JSON behind the type: R"("size": "tiny")".
inline std::shared_ptr<Backbone> unsettled_encoder(const std::string& type, const std::string& options,
                                                   const BackboneContext& context) {
  return registry().create<Backbone>(json(text(R"({"type": ")", type, R"(", )", options, "}")), "model.encoder",
                                     context);
}

inline std::shared_ptr<Backbone> encoder_of(const std::string& type, const std::string& options,
                                            const BackboneContext& context) {
  auto encoder = unsettled_encoder(type, options, context);
  encoder->settle({context.image_channels, context.patch});
  return encoder;
}

inline std::shared_ptr<Backbone> sam_encoder(const std::string& options, const BackboneContext& context) {
  return encoder_of("sam_vit", options, context);
}

/// Features of an image, with gradients.
inline Features encoded(Backbone& encoder, const torch::Tensor& image, const NameSet& wanted = {"embedding"}) {
  Scene scene(Mode::Train);
  return encoder.encode(image, wanted, scene);
}

/// Embedding and gradient of a parameter under autocast are those of float32 up to rounding, and not the same.
inline void expect_same_in_mixed_precision(Backbone& encoder, const torch::Tensor& image,
                                           const std::string& parameter) {
  std::vector<torch::Tensor> embeddings, gradients;
  for (const bool mixed : {false, true}) {
    encoder.zero_grad();
    at::autocast::set_autocast_enabled(at::kCPU, mixed);
    const torch::Tensor embedding = encoded(encoder, image).at("embedding");
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
    embeddings.push_back(embedding.detach().to(torch::kFloat32));
    embedding.to(torch::kFloat32).pow(2).mean().backward();
    gradients.push_back(encoder.named_parameters()[parameter].grad().clone());
  }
  const auto relative = [](const std::vector<torch::Tensor>& pair) {
    return ((pair[1] - pair[0]).norm() / pair[0].norm()).item<double>();
  };
  EXPECT_GT(relative(embeddings), 0) << "nothing was computed in lower precision";
  EXPECT_LE(relative(embeddings), 0.02);
  EXPECT_LE(relative(gradients), 0.1);
}

inline SiteId site_called(const SiteHost& host, const std::string& path) {
  for (SiteId id = 0; id < host.sites().size(); ++id) {
    if (host.sites()[id].path == path) return id;
  }
  throw Error("no site " + path);
}

/// Puts an adapter's unit (for five slices) at one site, as a model does; keep it as long as the encoder runs.
inline std::shared_ptr<AdapterUnit> adapt(Backbone& encoder, const std::string& adapter, const std::string& path) {
  const auto made = registry().create<Adapter>(json(adapter), "model.adapters[0]", {{5, 1, 1}, 2});
  const SiteId id = site_called(encoder, path);
  auto unit = made->attach(encoder.sites()[id], {Room::Encoder, {}, {}});
  encoder.attach(id, *unit);
  return unit;
}

/// Hands its output on and counts its calls; must not run twice.
class CountingHook : public SiteHook {
 public:
  torch::Tensor apply(const SiteCall& call) override {
    ++calls;
    return call.output;
  }
  bool repeatable() const override { return false; }
  int calls = 0;
};

}  // namespace lamina::testing
