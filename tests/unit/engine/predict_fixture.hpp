// A model that tells classes by a voxel's intensity alone, so that every prediction is known beforehand.
#pragma once

#include "experiment_fixture.hpp"

#include "engine/predict/dataset_info.hpp"
#include "engine/predict/predictor.hpp"
#include "engine/train/checkpoint.hpp"
#include "engine/train/initial_model.hpp"

#include <lamina/base/error.hpp>
#include <lamina/model/backbone.hpp>
#include <lamina/model/decoder.hpp>
#include <lamina/model/prompter.hpp>
#include <lamina/model/weights.hpp>
#include <lamina/plugin/loader.hpp>

#include <ATen/Functions.h>

namespace lamina::engine::testing {

/// Its feature is the image.
class Eye : public Backbone {
 public:
  using Options = NoOptions;
  Eye(const Options&, const BackboneContext& context) : channels_(context.image_channels) {}
  void settle(Shape) override {}
  std::vector<FeatureSpec> features() const override { return {{"image", channels_, {1, 1, 1}, {0, 0}, false}}; }
  Features encode(const torch::Tensor& image, const NameSet&, Scene&) override {
    Features made;
    made.set("image", image);
    return made;
  }

 private:
  int64_t channels_;
};

class Silent : public Prompter {
 public:
  using Options = NoOptions;
  Silent(const Options&, const PrompterContext&) {}
  PromptSpec produces() const override { return {}; }
  std::vector<std::string> needs() const override { return {}; }
  Streams<Prompts> prompt(Scene&) override { return Streams<Prompts>(Prompts{}); }
};

/// Prompts from the reference: refuses to work without it.
class Peeking : public Silent {
 public:
  using Silent::Silent;
  LabelUse uses_labels() const override { return LabelUse::Oracle; }
  Streams<Prompts> prompt(Scene& scene) override {
    if (scene.batch().labels.empty()) throw Error("the oracle sees no labels");
    return Silent::prompt(scene);
  }
};

/// Logit of class k: -(intensity - centre[k])^2, with 10 k as the first centres.
class NearestCentre : public Decoder {
 public:
  using Options = NoOptions;
  NearestCentre(const Options&, const DecoderContext& context) {
    centres = register_parameter("centres", at::arange(context.classes, at::kFloat) * 10);
  }
  PromptKinds accepts() const override { return {}; }
  std::vector<std::string> needs() const override { return {"image"}; }
  Prediction decode(Scene& scene, const Streams<Prompts>&) override {
    saw_labels = saw_labels || !scene.batch().labels.empty();
    const torch::Tensor image = scene.features.primary().at("image").narrow(1, 0, 1);  // [B, 1, D, H, W]
    Output output;
    output.classes = -(image - centres.view({1, -1, 1, 1, 1})).square();
    Prediction made;
    made.outputs = Streams<Output>(output);
    return made;
  }
  torch::Tensor centres;
  bool saw_labels = false;
};

inline std::unique_ptr<Registry> predict_registry() {
  auto registry = std::make_unique<Registry>();
  Registrar registrar("tests", "");
  registrar.add<Eye>("backbone", "eye", "1", "the image itself");
  registrar.add<Silent>("prompter", "silent", "1", "no prompts");
  registrar.add<Peeking>("prompter", "peeking", "1", "needs the reference");
  registrar.add<NearestCentre>("decoder", "nearest_centre", "1", "classes by intensity");
  registry->add(registrar.take());
  // Never made, only named.
  registry->add({fake<NoOptions>("dataset", "somewhere"), fake<NoOptions>("loss", "any_loss"),
                 fake<NoOptions>("optimizer", "any_optimizer"), fake<NoOptions>("schedule", "any_schedule")});
  discover_plugins(*registry);
  return registry;
}

class Predicting : public lamina::testing::FolderTest {
 protected:
  Predicting() {
    info.name = "blocks";
    info.channels = {"CT"};
    info.classes = {"background", "a", "b"};
  }

  Experiment experiment(const std::vector<std::string>& words = {}) const {
    std::vector<Override> overrides;
    for (const std::string& one : words) overrides.push_back(parse_override(one));
    return Experiment::from_node(ConfigNode::parse(kExperiment), folder, overrides, *registry);
  }

  /// A checkpoint of an untrained model whose centres are scaled by `scale`.
  std::filesystem::path checkpoint(const std::string& name, const std::vector<std::string>& words = {},
                                   double scale = 1) const {
    const Experiment one = experiment(words);
    const auto model = initial_model(one, info, *registry);
    {
      const at::NoGradGuard no_grad;
      model->named_parameters()["decoder.centres"].mul_(scale);
    }
    Checkpoint made;
    made.model = state_of(*model);
    made.prepare = fitted(one)->state();
    made.experiment = one.resolved();
    made.state = ConfigNode::object();
    made.state.set("frozen", frozen_hash(*model));
    made.state.set(kDatasetKey, dataset_info_to_node(info));
    save_checkpoint(folder / name, made, 1, true);
    return checkpoint_file(folder / name, "best");
  }

  std::shared_ptr<PrepareChain> fitted(const Experiment& one) const {
    auto chain = std::make_shared<PrepareChain>(one.options().prepare, TransformContext{info, one.patch()}, *registry);
    chain->restore({});
    return chain;
  }

  /// A border of zeros around two blocks of intensity 10 and 20, in an oblique corner of space.
  Case blocks(bool with_labels = false) const {
    Case one;
    one.id = one.group = "blocks";
    torch::Tensor voxels = at::zeros({1, 12, 40, 36});
    voxels.narrow(1, 2, 8).narrow(2, 6, 28).narrow(3, 5, 26).fill_(1);
    voxels.narrow(1, 3, 5).narrow(2, 8, 12).narrow(3, 8, 20).fill_(10);
    voxels.narrow(1, 4, 5).narrow(2, 22, 10).narrow(3, 10, 14).fill_(20);
    Geometry geometry;
    geometry.spacing = {3, 0.7, 1.1};
    geometry.origin = {-20, 31.5, 7};
    geometry.direction = {0, -1, 0, -1, 0, 0, 0, 0, 1};
    geometry.format = "nifti";
    one.images = Streams<Volume>(Volume{voxels, geometry});
    if (with_labels) one.labels = Streams<Volume>(Volume{expected(one).to(at::kLong), geometry});
    one.valid = {{0, 0, 0}, {12, 40, 36}};
    return one;
  }

  /// The classes that the untrained model sees: the nearest of 0, 10, 20.
  static torch::Tensor expected(const Case& one) { return (one.images.primary().voxels / 10).round().clamp(0, 2); }

  static constexpr const char* kExperiment = R"({
    "dataset": "somewhere", "prepare": [],
    "model": {"encoder": "eye", "prompter": "silent", "decoder": "nearest_centre"},
    "train": {"trainable": ["decoder.**"], "patch": [4, 16, 16], "optimizer": "any_optimizer", "schedule": "any_schedule"},
    "loss": "any_loss", "evaluate": {"metrics": []}, "runtime": {"device": "cpu", "threads": 1}})";

  DatasetInfo info;
  std::unique_ptr<Registry> registry = predict_registry();
};

}  // namespace lamina::engine::testing
