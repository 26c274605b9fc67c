// Small components for tests of the assembly and the session, registered without a plugin.
#pragma once

#include "component_test.hpp"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <lamina/options/binder.hpp>

namespace lamina::testing {

struct NoOptions {
  void bind(OptionBinder&) {}
};

/// What happened, in order; tests clear it.
inline std::vector<std::string>& diary() {
  static std::vector<std::string> entries;
  return entries;
}

inline std::string labels_seen(Scene& scene) { return scene.batch().labels.empty() ? "no labels" : "labels"; }

/// Two features, sites on the image, between its layers and on a linear map.
class FakeBackbone : public Backbone {
 public:
  using Options = NoOptions;
  FakeBackbone(const Options&, const BackboneContext& context) {
    weight_ = register_parameter("weight", torch::ones({1}));
    image_ =
        add_site({"image", SiteKind::Stream, Layout::Volume, context.image_channels, context.image_channels, 1, {}});
    for (int i = 0; i < 2; ++i)
      blocks_.push_back(add_site({text("blocks.", i, ".out"), SiteKind::Stream, Layout::Volume, 1, 1, 1, {}}));
  }
  void settle(Shape image) override { diary().push_back(text("settle ", join(image.size, "x"))); }
  std::vector<FeatureSpec> features() const override {
    FeatureSpec fine, coarse;
    fine.name = "fine";
    coarse.name = "coarse";
    return {fine, coarse};
  }
  Features encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) override {
    diary().push_back(text("encode ", scene.stream(), " with ", labels_seen(scene)));
    torch::Tensor x = through(image_, image, image, {}, scene) * weight_;
    for (const SiteId id : blocks_) x = through(id, x, x, {}, scene);
    Features features;
    for (const char* name : {"fine", "coarse"}) {
      if (wanted.contains(std::string_view(name))) features.set(name, x);
    }
    return features;
  }

 private:
  torch::Tensor weight_;
  SiteId image_;
  std::vector<SiteId> blocks_;
};

struct FakePrompterOptions {
  bool points = false;
  int64_t rounds = 0;
  std::string feature, labels = "never";
  void bind(OptionBinder& o) {
    o.field("points", points, "Makes points");
    o.field("rounds", rounds, "Refine rounds");
    o.field("feature", feature, "The feature needed");
    o.field("labels", labels, "never, training or oracle");
  }
};

class FakePrompter : public Prompter {
 public:
  using Options = FakePrompterOptions;
  FakePrompter(const Options& options, const PrompterContext&) : options_(options) {}
  PromptSpec produces() const override { return options_.points ? PromptSpec{{PromptKind::Points}, 1} : PromptSpec{}; }
  std::vector<std::string> needs() const override {
    return options_.feature.empty() ? std::vector<std::string>{} : std::vector<std::string>{options_.feature};
  }
  LabelUse uses_labels() const override {
    return options_.labels == "oracle"     ? LabelUse::Oracle
           : options_.labels == "training" ? LabelUse::WhileTraining
                                           : LabelUse::Never;
  }
  Streams<Prompts> prompt(Scene& scene) override {
    diary().push_back("prompt with " + labels_seen(scene));
    return Streams<Prompts>(Prompts{});
  }
  std::optional<Streams<Prompts>> refine(const Streams<Prompts>&, const Prediction& prediction, int round,
                                         Scene&) override {
    if (round >= options_.rounds) return std::nullopt;
    diary().push_back(text("refine ", round, " after ", prediction.rounds.size(), " rounds"));
    return Streams<Prompts>(Prompts{});
  }

 private:
  Options options_;
};

struct FakeDecoderOptions {
  bool points = false, fails = false;
  std::string feature = "fine";
  void bind(OptionBinder& o) {
    o.field("points", points, "Takes points");
    o.field("fails", fails, "Makes a torch error");
    o.field("feature", feature, "The feature needed");
  }
};

class FakeDecoder : public Decoder {
 public:
  using Options = FakeDecoderOptions;
  FakeDecoder(const Options& options, const DecoderContext& context) : options_(options), classes_(context.classes) {
    weight_ = register_parameter("weight", torch::ones({1}));
    dropout_ = register_module("dropout", torch::nn::Dropout(0.5));
    norm_ = register_module("norm", torch::nn::BatchNorm3d(1));
    site_ = add_site({"head.out", SiteKind::Stream, Layout::Volume, 1, 1, 1, {}});
  }
  PromptKinds accepts() const override { return options_.points ? PromptKinds{PromptKind::Points} : PromptKinds{}; }
  std::vector<std::string> needs() const override { return {options_.feature}; }
  Prediction decode(Scene& scene, const Streams<Prompts>&) override {
    diary().push_back("decode with " + labels_seen(scene));
    if (options_.fails) torch::zeros({2}).view({3});
    Prediction prediction;
    for (const auto& [stream, features] : scene.features) {
      const torch::Tensor x = features.at("fine");
      scene.aux["mean"] = x.mean();
      Output output;
      output.classes =
          through(site_, x, x, {}, scene).expand({x.size(0), classes_, x.size(2), x.size(3), x.size(4)}) * weight_;
      prediction.outputs.set(stream, output);
    }
    return prediction;
  }

 private:
  Options options_;
  int64_t classes_;
  torch::Tensor weight_;
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::BatchNorm3d norm_{nullptr};
  SiteId site_;
};

struct FakeAdapterOptions {
  double add = 1;
  bool refuses = false;
  void bind(OptionBinder& o) {
    o.field("add", add, "Added to the output");
    o.field("refuses", refuses, "Sits nowhere");
  }
};

class FakeUnit : public AdapterUnit {
 public:
  explicit FakeUnit(double add) { add_ = register_parameter("add", torch::full({1}, add)); }
  torch::Tensor apply(const SiteCall& call) override { return call.output + add_; }
  Shape reshape(Shape in) const override { return {in.channels, {in.size[0], in.size[1] * 2, in.size[2] * 2}}; }

 private:
  torch::Tensor add_;
};

class FakeAdapter : public Adapter {
 public:
  using Options = FakeAdapterOptions;
  FakeAdapter(const Options& options, const AdapterContext&) : options_(options) {
    shared_ = register_parameter("shared", torch::ones({1}));
  }
  std::vector<std::string> default_sites() const override { return {"encoder.layers.*.out", "encoder.blocks.*.out"}; }
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override {
    if (options_.refuses) throw ConfigError("no room here");
    diary().push_back(text("attach ", site.path, " with ", host.features.size(), " features"));
    return std::make_shared<FakeUnit>(options_.add);
  }
  void begin(Room room, Scene& scene) override {
    diary().push_back(text("begin ", static_cast<int>(room), " ", scene.stream()));
  }

 private:
  Options options_;
  torch::Tensor shared_;
};

inline const Registry& fakes() {
  static const std::unique_ptr<Registry> instance = [] {
    Registrar registrar("fakes", "");
    registrar.add<FakeBackbone>("backbone", "fake", "1", "two features");
    registrar.add<FakePrompter>("prompter", "none", "1", "no prompts, or points");
    registrar.add<FakeDecoder>("decoder", "fake", "1", "one value for all classes");
    registrar.add<FakeAdapter>("adapter", "fake", "1", "adds a number");
    auto registry = std::make_unique<Registry>();
    registry->add(registrar.take());
    return registry;
  }();
  return *instance;
}

/// A model of fakes; `rest` is what stands beside the encoder.
inline std::shared_ptr<Model> fake_model(const std::string& rest = R"("decoder": "fake")") {
  return Model::build(fakes(), json(R"({"encoder": "fake", )" + rest + "}"), {1, 3, {2, 8, 8}});
}

}  // namespace lamina::testing
