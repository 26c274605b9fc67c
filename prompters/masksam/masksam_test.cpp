// MaskSAM's prompt generator against its description in torch, and what it promises about its prompts.
#include "masksam.hpp"
#include "fake_vit.hpp"
#include "golden_file.hpp"

namespace lamina {
namespace {

using testing::largest_difference;
using testing::noise_features;
using testing::prompt;
using testing::prompter_model;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("masksam_prompter");
  return tensors;
}

struct Setting {
  std::string name, encoder, prompter;
  ModelSetup setup;
  int64_t batch;
};

// As tests/parity/make_masksam_prompter.py describes them.
Setting deep() {
  return {"deep",
          R"(, "channels": 16, "taps": 3, "tap_channels": 12, "stride": 8)",
          R"(, "queries": 3, "channels": [8, 6, 6, 4], "deep_supervision": true)",
          {1, 3, {3, 16, 16}},
          2};
}
Setting shallow() {
  return {"shallow",
          R"(, "channels": 12, "taps": 4, "tap_channels": 10, "stride": 4)",
          R"(, "queries": 2, "channels": [8, 4, 4], "compat": "release")",
          {1, 3, {2, 12, 8}},
          1};
}
Setting flat() {
  return {"flat",
          R"(, "channels": 8, "taps": 1, "tap_channels": 6, "stride": 4)",
          R"(, "queries": 2, "channels": [6, 4, 4], "dimensions": 2, "upsample": "bilinear", "box_norm": "none")",
          {1, 3, {2, 8, 12}},
          2};
}

std::shared_ptr<Model> model_of(const Setting& setting, const std::string& more = "") {
  return prompter_model("masksam", setting.prompter + more, setting.encoder, setting.setup);
}

std::shared_ptr<Model> golden_model(const Setting& setting, const std::string& more = "") {
  const auto model = model_of(setting, more);
  const std::string prefix = setting.name + ".weights.";
  StateDict weights;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with(prefix)) weights[name.substr(prefix.size())] = tensor;
  }
  load_state_strictly(model->prompter(), weights, "the golden file");
  return model;
}

Features golden_features(const Setting& setting) {
  Features features;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with(setting.name + ".tap.")) features.set(name.substr(setting.name.size() + 1), tensor);
  }
  features.set("embedding", golden().at(setting.name + ".embedding"));
  return features;
}

testing::Prompted golden_prompts(const Setting& setting, const std::string& more = "") {
  torch::NoGradGuard no_grad;
  return prompt(*golden_model(setting, more), golden_features(setting), setting.batch);
}

TEST(Masksam, EqualsItsDescriptionInAllItsForms) {
  for (const Setting& setting : {deep(), shallow(), flat()}) {
    SCOPED_TRACE(setting.name);
    const auto [prompts, aux] = golden_prompts(setting);
    const auto expect = [&](const torch::Tensor& tensor, const char* name, double tolerance) {
      EXPECT_LE(largest_difference(tensor, golden().at(text(setting.name, ".", name))), tolerance) << name;
    };
    expect(aux.at("prompt.masks"), "masks", 5e-5);
    expect(aux.at("prompt.boxes"), "boxes", 1e-5);
    expect(prompts.boxes, "prompt_boxes", 1e-4);
    expect(prompts.mask_logits, "prompt_masks", 5e-5);
    expect(prompts.class_tokens, "tokens", 2e-5);
  }
}

TEST(Masksam, OffersMasksOfCoarserStagesWithDeepSupervision) {
  const auto aux = golden_prompts(deep()).aux;
  for (const char* stage : {"1", "2", "3"})
    EXPECT_LE(largest_difference(aux.at(text("prompt.masks.", stage)), golden().at(text("deep.masks.", stage))), 2e-5);
  EXPECT_FALSE(golden_prompts(flat()).aux.contains("prompt.masks.1"));
}

TEST(Masksam, OrdersItsPromptsByCaseSliceAndQuery) {
  const Prompts prompts = golden_prompts(deep()).prompts;
  ASSERT_EQ(prompts.image_index.numel(), 2 * 3 * 3);
  for (int64_t row = 0; row < 18; ++row) EXPECT_EQ(prompts.image_index[row].item<int64_t>(), row / 3);
  EXPECT_TRUE(prompts.class_id.eq(-1).all().item<bool>());
  const PromptSpec spec = model_of(deep())->prompter().produces();
  EXPECT_EQ(spec.queries, 3);
  EXPECT_EQ(spec.kinds, (PromptKinds{PromptKind::Boxes, PromptKind::Masks, PromptKind::ClassTokens}));
}

TEST(Masksam, TurnsMasksIntoPromptsAsAsked) {
  const torch::Tensor masks = golden().at("flat.masks").unsqueeze(1);  // [N, 1, 8, 12], wanted at 4g: [N, 1, 8, 12]
  const auto prompts = [&](const char* form) {
    return golden_prompts(flat(), text(R"(, "mask_prompt": ")", form, '"')).prompts.mask_logits;
  };
  EXPECT_LE(largest_difference(prompts("hard"), masks.gt(0).to(torch::kFloat32)), 0);
  EXPECT_LE(largest_difference(prompts("logits"), masks.clamp(-10, 10)), 5e-5);
  EXPECT_LE(largest_difference(prompts("soft"), masks.clamp(-10, 10)), 5e-5);
  EXPECT_FALSE(prompts("none").defined());
  // Where 4g is half as fine as the generator, the nearest pixel is every second one.
  const torch::Tensor fine = golden().at("deep.masks").unsqueeze(1);
  const torch::Tensor every_second = fine.slice(2, 0, {}, 2).slice(3, 0, {}, 2);
  EXPECT_LE(largest_difference(golden_prompts(deep(), R"(, "mask_prompt": "hard")").prompts.mask_logits,
                               every_second.gt(0).to(torch::kFloat32)),
            0);
}

TEST(Masksam, TurnsBoxesIntoPromptsAsAsked) {
  const torch::Tensor extent = torch::tensor({12.0, 8.0, 12.0, 8.0}).to(torch::kFloat32);
  const auto prompts = [&](const char* form) {
    return golden_prompts(flat(), text(R"(, "box": ")", form, R"(", "box_grad": "none")")).prompts.boxes;
  };
  const torch::Tensor regressed = golden().at("flat.boxes") * extent;
  EXPECT_LE(largest_difference(prompts("regressed"), regressed), 1e-4);
  const auto drop_head = [](const char* form) {
    return prompter_model("masksam", flat().prompter + text(R"(, "box": ")", form, '"'), flat().encoder, flat().setup);
  };
  for (const char* form : {"mask", "none"})
    EXPECT_FALSE(drop_head(form)->named_parameters().contains("prompter.bbox_conv.0.weight")) << form;
  const auto without = prompt(*drop_head("none"), noise_features(*drop_head("none"), 2), 2);
  EXPECT_FALSE(without.prompts.boxes.defined());
  EXPECT_FALSE(without.aux.contains("prompt.boxes"));
}

// Boxes of masks are golden in the mean: twice the mean minus the regressed one.
TEST(Masksam, TakesTheBoxOfTheMaskAlone) {
  const auto model = golden_model(deep());
  const torch::Tensor extent = torch::tensor({16.0, 16.0, 16.0, 16.0}).to(torch::kFloat32);
  const torch::Tensor expected = 2 * golden().at("deep.prompt_boxes") - golden().at("deep.boxes") * extent;
  const auto only_masks = model_of(deep(), R"(, "box": "mask")");
  load_state(*only_masks, state_of(*model));
  EXPECT_LE(largest_difference(prompt(*only_masks, golden_features(deep()), 2).prompts.boxes, expected), 1e-4);
}

TEST(Masksam, BoxesAreValidWhateverTheWeights) {
  for (const Setting& setting : {deep(), shallow(), flat()}) {
    const auto model = model_of(setting);
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      testing::redraw(model->prompter(), seed);
      torch::NoGradGuard no_grad;
      for (auto& parameter : model->prompter().parameters()) parameter.mul_(seed % 2 == 0 ? 100 : 3);
      const auto [prompts, aux] = prompt(*model, noise_features(*model, setting.batch, seed), setting.batch);
      const torch::Tensor boxes = aux.at("prompt.boxes"), pixels = prompts.boxes;
      EXPECT_GE(boxes.min().item<double>(), 0);
      EXPECT_LE(boxes.max().item<double>(), 1);
      const auto& patch = setting.setup.patch;
      EXPECT_LE(pixels.select(1, 2).max().item<double>(), static_cast<double>(patch[2]));
      EXPECT_LE(pixels.select(1, 3).max().item<double>(), static_cast<double>(patch[1]));
      for (const torch::Tensor& four : {boxes, pixels})
        EXPECT_GE((four.narrow(1, 2, 2) - four.narrow(1, 0, 2)).min().item<double>(), 0);
    }
  }
}

// The generator on embeddings [B, C, D, g, g]; masks and tokens together, as [B, *, D].
torch::Tensor by_slice(Model& model, const torch::Tensor& embedding) {
  Features features;
  for (const FeatureSpec& spec : model.features())
    features.set(spec.name, embedding.narrow(1, 0, spec.channels).transpose(1, 2).flatten(0, 1));
  const auto [prompts, aux] = prompt(model, features, embedding.size(0));
  const torch::Tensor all = torch::cat({aux.at("prompt.masks").flatten(1), prompts.class_tokens.flatten(1)}, 1);
  return all.view({embedding.size(0), embedding.size(2), -1}).transpose(1, 2);
}

TEST(Masksam, MixesSlicesOfOneCaseInThreeDimensions) {
  const auto model = model_of(deep());
  testing::redraw(*model);
  testing::expect_depth_mixing({2, 16, 3, 2, 2}, [&](const torch::Tensor& x) { return by_slice(*model, x); });
}

TEST(Masksam, KeepsSlicesApartInTwoDimensions) {
  const auto model = model_of(flat());
  testing::redraw(*model);
  torch::NoGradGuard no_grad;
  torch::Tensor embedding = testing::normal({2, 8, 2, 2, 3});
  const torch::Tensor before = by_slice(*model, embedding);
  embedding[0].select(1, 0) += testing::normal({8, 2, 3}, 3);
  const torch::Tensor difference = (by_slice(*model, embedding) - before).abs();
  EXPECT_GT(difference[0].select(1, 0).max().item<double>(), 0);
  EXPECT_EQ(difference[0].select(1, 1).max().item<double>(), 0);
  EXPECT_EQ(difference[1].max().item<double>(), 0);
}

torch::Tensor squares(const testing::Prompted& prompted) {
  torch::Tensor loss = prompted.prompts.class_tokens.pow(2).mean();
  for (const auto& [name, tensor] : prompted.aux) loss = loss + tensor.pow(2).mean();
  return loss;
}

TEST(Masksam, GradientsReachEveryParameter) {
  for (const Setting& setting : {deep(), shallow(), flat()}) {
    const auto model = model_of(setting);
    testing::redraw(*model);
    testing::expect_gradients(*model, squares(prompt(*model, noise_features(*model, setting.batch), setting.batch)));
  }
}

bool reaches(const testing::Prompted& prompted, Model& model, const char* parameter, bool through_boxes) {
  model.zero_grad();
  const torch::Tensor& tensor = through_boxes ? prompted.prompts.boxes : prompted.prompts.mask_logits;
  if (!tensor.requires_grad()) return false;
  tensor.pow(2).sum().backward();
  const torch::Tensor gradient = model.named_parameters()[parameter].grad();
  return gradient.defined() && gradient.abs().max().item<double>() > 0;
}

TEST(Masksam, LetsTheDecodersGradientThroughOnlyWhereAsked) {
  const auto reached = [](const std::string& more, const char* parameter, bool boxes) {
    const auto model = model_of(flat(), more);
    testing::redraw(*model);
    return reaches(prompt(*model, noise_features(*model, 2), 2), *model, parameter, boxes);
  };
  const char* mask = "prompter.image_decoder_seg_layers.2.weight";
  EXPECT_TRUE(reached("", mask, false));
  EXPECT_FALSE(reached(R"(, "mask_prompt": "logits")", mask, false));
  EXPECT_FALSE(reached(R"(, "mask_prompt": "hard")", mask, false));
  const char* box = "prompter.bbox_conv.0.weight";
  EXPECT_FALSE(reached("", box, true));
  EXPECT_TRUE(reached(R"(, "box_grad": "ste")", box, true));
  EXPECT_FALSE(reached(R"(, "box_grad": "ste", "compat": "release")", box, true));
}

TEST(Masksam, StraightThroughBoxesHaveTheValuesOfTheOthers) {
  const auto model = golden_model(deep(), R"(, "box_grad": "ste")");
  const torch::Tensor boxes = prompt(*model, golden_features(deep()), 2).prompts.boxes;
  EXPECT_LE(largest_difference(boxes, golden().at("deep.prompt_boxes")), 1e-4);
}

TEST(Masksam, ComputesTheSameAfterSavingAndLoading) {
  testing::expect_reload_equal<Model>([] { return model_of(shallow()); },
                                      [](Model& model) {
                                        torch::NoGradGuard no_grad;
                                        return prompt(model, golden_features(shallow()), 1).aux.at("prompt.masks");
                                      });
}

TEST(Masksam, StartsMasksAtTheirBias) {
  const auto model = model_of(deep(), R"(, "mask_bias": -2)");
  for (const char* stage : {"0", "3"}) {
    const torch::Tensor bias = model->named_parameters()[text("prompter.image_decoder_seg_layers.", stage, ".bias")];
    EXPECT_TRUE(bias.eq(-2).all().item<bool>());
  }
}

}  // namespace
}  // namespace lamina
