// For tests of SAM's decoders: the golden file, an encoder with a plain image embedding, a prompter that hands on
// anything.
#pragma once

#include "component_test.hpp"
#include "golden_file.hpp"

#include <lamina/nn/fold.hpp>
#include <lamina/options/binder.hpp>
#include <lamina/plugin/registrar.hpp>

namespace lamina::testing {

/// What tests/parity/make_sam_decoder.py wrote: 24 channels, 3 heads, a grid of 3 x 4 cells over 24 x 32 pixels.
inline const TensorDict& sam_golden() {
  static const TensorDict tensors = golden_file("sam_decoder");
  return tensors;
}

/// Tensors whose names begin with `prefix`, without it.
inline StateDict with_prefix(const TensorDict& tensors, const std::string& prefix) {
  StateDict found;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor;
  }
  return found;
}

struct CellEncoderOptions {
  int64_t channels = 24, cell = 8;
  void bind(OptionBinder& o) {
    o.field("channels", channels, "Of the embedding");
    o.field("cell", cell, "Pixels per cell");
  }
};

/// The embedding is the mean of each cell's pixels through one linear map: [B*D, C, g, g].
class CellEncoder : public Backbone {
 public:
  using Options = CellEncoderOptions;
  CellEncoder(const Options& options, const BackboneContext& context) : options_(options), patch_(context.patch) {
    weight_ = register_parameter("weight", torch::randn({options.channels, context.image_channels}));
  }
  void settle(Shape) override {}
  std::vector<FeatureSpec> features() const override {
    FeatureSpec spec;
    spec.name = "embedding";
    spec.channels = options_.channels;
    spec.stride = {1, static_cast<double>(options_.cell), static_cast<double>(options_.cell)};
    spec.frame = {static_cast<double>(patch_[1]), static_cast<double>(patch_[2])};
    spec.folded = true;
    return {spec};
  }
  Features encode(const torch::Tensor& image, const NameSet&, Scene&) override {
    const torch::Tensor cells = torch::avg_pool2d(nn::fold_depth(image), options_.cell);
    Features features;
    features.set("embedding", torch::einsum("bchw,kc->bkhw", {cells, weight_}));
    return features;
  }

 private:
  Options options_;
  Size3 patch_;
  torch::Tensor weight_;
};

struct HandedOptions {
  int64_t queries = 0;
  std::vector<std::string> kinds{"boxes"};
  void bind(OptionBinder& o) {
    o.field("queries", queries, "Per slice");
    o.field("kinds", kinds, "Promised");
  }
};

/// Hands on the batch's prompts of every kind, unchecked.
class Handed : public Prompter {
 public:
  using Options = HandedOptions;
  Handed(const Options& options, const PrompterContext&) : options_(options) {}
  PromptSpec produces() const override {
    const std::map<std::string, PromptKind> known{
        {"points", PromptKind::Points},    {"boxes", PromptKind::Boxes}, {"masks", PromptKind::Masks},
        {"sparse", PromptKind::Sparse},    {"dense", PromptKind::Dense}, {"class_tokens", PromptKind::ClassTokens},
        {"guidance", PromptKind::Guidance}};
    PromptSpec spec;
    spec.queries = options_.queries;
    for (const auto& kind : options_.kinds) spec.kinds.insert(known.at(kind));
    return spec;
  }
  std::vector<std::string> needs() const override { return {}; }
  Streams<Prompts> prompt(Scene& scene) override { return scene.batch().prompts; }

 private:
  Options options_;
};

/// Every plugin of this build, and the two components above as backbone 'cells' and prompter 'handed'.
inline const Registry& decoder_registry() {
  static const std::unique_ptr<Registry> instance = [] {
    auto made = std::make_unique<Registry>();
    discover_plugins(*made, {LAMINA_TEST_PLUGIN_DIR});
    Registrar registrar("decoder_test", "");
    registrar.add<CellEncoder>("backbone", "cells", "1", "means of cells");
    registrar.add<Handed>("prompter", "handed", "1", "anything");
    made->add(registrar.take());
    return made;
  }();
  return *instance;
}

/// A model of `cells` and what `rest` adds.
inline std::shared_ptr<Model> decoder_model(const std::string& rest, const ModelSetup& setup) {
  return Model::build(decoder_registry(), json(R"({"encoder": "cells", )" + rest + "}"), setup);
}

/// One forward on given features: the encoder does not run.
inline Output decode_features(Model& model, Mode mode, const torch::Tensor& embedding, Batch batch) {
  Features features;
  features.set("embedding", embedding);
  Session session(model, mode);
  session.inject(std::move(batch), Streams<Features>(features));
  return session.decode().outputs.primary();
}

}  // namespace lamina::testing
