// A stand-in for SAM's encoder and decoder, so that a prompter can be tested alone: features are given, prompts come
// out.
#pragma once

#include "component_test.hpp"

#include <lamina/options/binder.hpp>
#include <lamina/plugin/registrar.hpp>

namespace lamina::testing {

struct FakeVitOptions {
  int64_t channels = 16, taps = 4, tap_channels = 12, stride = 16;
  void bind(OptionBinder& o) {
    o.field("channels", channels, "Channels of the embedding");
    o.field("taps", taps, "Number of taps");
    o.field("tap_channels", tap_channels, "Channels of the taps");
    o.field("stride", stride, "Patch pixels per cell");
  }
};

/// Describes features as sam_vit does; a session injects them.
class FakeVit : public Backbone {
 public:
  using Options = FakeVitOptions;
  FakeVit(const Options& options, const BackboneContext& context) : options_(options), patch_(context.patch) {}
  void settle(Shape) override {}
  std::vector<FeatureSpec> features() const override {
    std::vector<FeatureSpec> specs;
    for (int64_t i = 0; i < options_.taps; ++i) specs.push_back(spec(text("tap.", i), options_.tap_channels));
    specs.push_back(spec("embedding", options_.channels));
    return specs;
  }
  Features encode(const torch::Tensor&, const NameSet&, Scene&) override { throw Error("features are injected"); }

 private:
  FeatureSpec spec(const std::string& name, int64_t channels) const {
    const auto stride = static_cast<double>(options_.stride);
    FeatureSpec result;
    result.name = name;
    result.channels = channels;
    result.stride = {1, stride, stride};
    result.frame = {static_cast<double>(patch_[1]), static_cast<double>(patch_[2])};
    result.folded = true;
    return result;
  }

  Options options_;
  Size3 patch_;
};

struct AnyDecoderOptions {
  void bind(OptionBinder&) {}
};

/// Takes every prompt; is never run.
class AnyDecoder : public Decoder {
 public:
  using Options = AnyDecoderOptions;
  AnyDecoder(const Options&, const DecoderContext&) {}
  PromptKinds accepts() const override {
    return {PromptKind::Points, PromptKind::Boxes, PromptKind::Masks, PromptKind::Sparse, PromptKind::ClassTokens};
  }
  std::vector<std::string> needs() const override { return {"embedding"}; }
  Prediction decode(Scene&, const Streams<Prompts>&) override { throw Error("this decoder decodes nothing"); }
};

/// Every plugin of this build, and the two above.
inline const Registry& registry_with_fake_vit() {
  static const std::unique_ptr<Registry> instance = [] {
    auto made = std::make_unique<Registry>();
    discover_plugins(*made, {LAMINA_TEST_PLUGIN_DIR});
    Registrar registrar("fake_vit", "");
    registrar.add<FakeVit>("backbone", "fake_vit", "1", "features of a ViT");
    registrar.add<AnyDecoder>("decoder", "any", "1", "takes every prompt");
    made->add(registrar.take());
    return made;
  }();
  return *instance;
}

/// `encoder` and `prompter` are the entries' options behind the type: R"(, "stride": 8)".
inline std::shared_ptr<Model> prompter_model(const std::string& prompter, const std::string& prompter_options,
                                             const std::string& encoder_options, const ModelSetup& setup) {
  return Model::build(registry_with_fake_vit(),
                      json(text(R"({"encoder": {"type": "fake_vit")", encoder_options, R"(}, "prompter": {"type": ")",
                                prompter, '"', prompter_options, R"(}, "decoder": "any"})")),
                      setup);
}

struct Prompted {
  Prompts prompts;
  TensorDict aux;
};

/// What the model's prompter makes of these features for `batch` patches.
inline Prompted prompt(Model& model, const Features& features, int64_t batch) {
  const Size3& patch = model.setup().patch;
  Batch input;
  input.images.set(kPrimaryStream, torch::zeros({batch, 1, patch[0], patch[1], patch[2]}));
  Session session(model, Mode::Train);
  session.inject(std::move(input), Streams<Features>(features));
  const Prompts prompts = session.prompt().primary();
  return {prompts, session.scene().aux};
}

/// Noise of the shapes that the model's encoder promises.
inline Features noise_features(const Model& model, int64_t batch, uint64_t seed = 1) {
  const Size3& patch = model.setup().patch;
  Features features;
  for (const FeatureSpec& spec : model.features()) {
    const auto cells = [&](size_t axis) {
      return static_cast<int64_t>(static_cast<double>(patch[axis]) / spec.stride[axis]);
    };
    features.set(spec.name, normal({batch * patch[0], spec.channels, cells(1), cells(2)}, ++seed));
  }
  return features;
}

}  // namespace lamina::testing
