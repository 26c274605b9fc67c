// MaskSAM's decoder against its formulas in numpy (tests/parity/make_mask_classifier.py).
#include "mask_classifier.hpp"

#include "decoder_test.hpp"

namespace lamina {
namespace {

using testing::decode_features;
using testing::decoder_model;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::normal;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("mask_classifier");
  return tensors;
}

constexpr const char* kPrompter =
    R"("prompter": {"type": "handed", "queries": 3, "kinds": ["boxes", "masks", "class_tokens"]}, )";
const ModelSetup kSetup{1, 3, {2, 16, 24}};

std::string decoder_entry(const std::string& options) {
  return R"("decoder": {"type": "mask_classifier", "heads": 2, "mlp_channels": 24)" + options + "}";
}

// The golden file's model: embedding of 16 channels on 2 x 3 cells of 8 pixels; two cases of two slices, three queries.
std::shared_ptr<Model> model_with(const std::string& options) {
  return Model::build(testing::decoder_registry(),
                      testing::json(text(R"({"encoder": {"type": "cells", "channels": 16, "cell": 8}, )", kPrompter,
                                         decoder_entry(options), "}")),
                      kSetup);
}

std::shared_ptr<Model> golden_model(const std::string& options, const std::string& head = "") {
  auto model = model_with(options);
  StateDict weights = testing::with_prefix(golden(), "weights.");
  if (!head.empty()) {
    for (const auto& [name, tensor] : testing::with_prefix(golden(), "heads." + head + "."))
      weights["final_conv." + name] = tensor;
  }
  load_state_strictly(model->decoder(), weights, "the golden file");
  return model;
}

Prompts golden_prompts() {
  Prompts prompts;
  prompts.boxes = golden().at("boxes");
  prompts.mask_logits = golden().at("mask_logits");
  prompts.class_tokens = golden().at("class_tokens");
  return prompts;
}

Batch golden_batch(const Prompts& prompts = golden_prompts()) {
  Batch batch = testing::noise_batch(2, 1, {2, 16, 24}, 3);
  batch.prompts.set(kPrimaryStream, prompts);
  return batch;
}

Output run_golden(Model& model, Mode mode = Mode::Infer) {
  const torch::NoGradGuard no_grad;
  return decode_features(model, mode, golden().at("embedding"), golden_batch());
}

TEST(MaskClassifier, EqualsItsFormulas) {
  const Output output = run_golden(*golden_model(""));
  EXPECT_LE(largest_difference(output.low_res.squeeze(1), golden().at("low_res")), 1e-5);
  EXPECT_LE(largest_difference(output.query_masks, golden().at("bilinear.query_masks")), 1e-5);
  EXPECT_LE(largest_difference(output.query_classes, golden().at("query_classes")), 1e-5);
  EXPECT_LE(largest_difference(output.classes, golden().at("bilinear.classes")), 1e-5);
  EXPECT_EQ(output.scale, Scale::Scores);
  EXPECT_TRUE(torch::equal(output.image_index, torch::arange(4).repeat_interleave(3)));
  EXPECT_TRUE(output.stages.empty());
}

TEST(MaskClassifier, EqualsTheReleaseWhenAskedFor) {
  const Output output = run_golden(*golden_model(R"(, "compat": "release")"));
  EXPECT_LE(largest_difference(output.query_masks, golden().at("release.query_masks")), 1e-5);
  EXPECT_LE(largest_difference(output.query_classes, golden().at("release.query_classes")), 1e-5);
}

TEST(MaskClassifier, MixesQueriesAndSlicesInItsLearnedHeads) {
  const Output own = run_golden(*golden_model(R"(, "head": "conv3d", "head_channels": 4)", "conv3d"));
  EXPECT_LE(largest_difference(own.query_masks, golden().at("conv3d.query_masks")), 2e-5);
  const Output mixed = run_golden(*golden_model(R"(, "head": "mixed", "head_channels": 4)", "mixed"));
  EXPECT_LE(largest_difference(mixed.query_masks, golden().at("mixed.query_masks")), 2e-5);
  const Output release =
      run_golden(*golden_model(R"(, "head": "conv3d", "head_channels": 4, "compat": "release")", "conv3d_release"));
  EXPECT_LE(largest_difference(release.query_masks, golden().at("conv3d_release.query_masks")), 2e-5);
}

TEST(MaskClassifier, PredictsFromEveryLayerWhileTraining) {
  const auto model = golden_model(R"(, "deep_supervision": "decoder_layers")");
  const Output output = run_golden(*model, Mode::Train);
  ASSERT_EQ(output.stages.size(), 2);
  for (size_t i = 0; i < 2; ++i) {
    const Output& stage = output.stages[i];
    EXPECT_LE(largest_difference(stage.query_masks, golden().at(text("stages.", i, ".query_masks"))), 1e-5);
    EXPECT_LE(largest_difference(stage.query_classes, golden().at(text("stages.", i, ".query_classes"))), 1e-5);
    EXPECT_EQ(stage.classes.sizes(), output.classes.sizes());
  }
  EXPECT_TRUE(run_golden(*model).stages.empty());
}

// The last class logit is "no object" in both; ignoring the background takes away one class and adds a plane of one
// half.
TEST(MaskClassifier, LeavesTheBackgroundOutWhenItIsIgnored) {
  EXPECT_EQ(run_golden(*model_with(R"(, "background": "ignore")")).query_classes.size(1), 3);
  Axes axes;
  axes.batch = 2;
  axes.depth = 2;
  axes.queries = 3;
  const torch::Tensor scores = mask_classifier::combine(
      golden().at("bilinear.query_masks"), golden().at("query_classes"), axes, mask_classifier::Background::Ignore);
  EXPECT_LE(largest_difference(scores, golden().at("ignored.classes")), 1e-6);
}

TEST(MaskClassifier, AddsALearnedBiasToTheMasks) {
  const auto plain = golden_model(""), shifted = model_with(R"(, "mask_bias": -2)");
  EXPECT_FALSE(state_of(*plain).contains("decoder.mask_bias"));
  EXPECT_EQ(state_of(*shifted).at("decoder.mask_bias").item<float>(), -2);
  load_state(*shifted, state_of(*plain));
  EXPECT_LE(largest_difference(run_golden(*plain).query_masks - 2, run_golden(*shifted).query_masks), 1e-6);
  const auto learned = model_with(R"(, "mask_bias": -2, "head": "conv3d")");
  EXPECT_FALSE(state_of(*learned).contains("decoder.mask_bias"));
  EXPECT_EQ(state_of(*learned).at("decoder.final_conv.4.bias").max().item<float>(), -2);
}

TEST(MaskClassifier, StartsItsMixedHeadAsTheBilinearOne) {
  const auto plain = golden_model(""), mixed = model_with(R"(, "head": "mixed")");
  load_state(*mixed, state_of(*plain));
  EXPECT_EQ(largest_difference(run_golden(*plain).query_masks, run_golden(*mixed).query_masks), 0);
}

// Doublings as far as the patch is from the masks: none where the masks have its size already.
TEST(MaskClassifier, SizesItsLearnedHeadByThePatch) {
  const auto fine = Model::build(testing::decoder_registry(),
                                 testing::json(text(R"({"encoder": {"type": "cells", "channels": 16, "cell": 4}, )",
                                                    kPrompter, decoder_entry(R"(, "head": "conv3d")"), "}")),
                                 kSetup);
  EXPECT_EQ(state_of(*fine).at("decoder.final_conv.0.weight").sizes(), (std::vector<int64_t>{64, 3, 3, 3, 3}));
  EXPECT_EQ(state_of(*fine).at("decoder.final_conv.3.weight").sizes(), (std::vector<int64_t>{3, 64, 3, 3, 3}));
  const auto release = model_with(R"(, "head": "conv3d", "compat": "release")");
  EXPECT_EQ(state_of(*release).at("decoder.final_conv.7.weight").sizes(), (std::vector<int64_t>{3, 64, 3, 3, 3}));
}

TEST(MaskClassifier, TakesWhatComes) {
  const auto run = [](const Prompts& prompts) {
    const torch::NoGradGuard no_grad;
    return decode_features(*golden_model(""), Mode::Infer, golden().at("embedding"), golden_batch(prompts)).query_masks;
  };
  const torch::Tensor whole = run(golden_prompts());
  Prompts prompts;
  EXPECT_EQ(run(prompts).sizes(), whole.sizes());  // learned tokens alone
  prompts.boxes = golden().at("boxes");
  const torch::Tensor with_boxes = run(prompts);
  prompts.class_tokens = golden().at("class_tokens");
  EXPECT_GT(largest_difference(run(prompts), with_boxes), 1e-3);
  prompts.sparse = normal({12, 2, 16});
  EXPECT_GT(largest_difference(run(prompts), with_boxes), 1e-3);
}

TEST(MaskClassifier, CanLeaveTheClassToThePromptersTokens) {
  const auto both = golden_model(""), own = golden_model(R"(, "global_token": false)");
  Prompts prompts = golden_prompts();
  prompts.class_tokens = prompts.class_tokens + golden().at("weights.classifier_token_Adapter.weight");
  const torch::NoGradGuard no_grad;
  const Output output = decode_features(*own, Mode::Infer, golden().at("embedding"), golden_batch(prompts));
  EXPECT_LE(largest_difference(output.query_classes, run_golden(*both).query_classes), 1e-6);
  // A prompter can say so too.
  prompts.class_tokens_alone = true;
  const Output alone = decode_features(*both, Mode::Infer, golden().at("embedding"), golden_batch(prompts));
  EXPECT_TRUE(torch::equal(alone.query_classes, output.query_classes));
}

torch::Tensor weighted(const torch::Tensor& tensor, uint64_t seed) {
  return (tensor * normal(tensor.sizes().vec(), seed)).sum();
}

TEST(MaskClassifier, GradientsReachEverythingThatItUses) {
  const std::vector<std::string> unused{"encoder.**", "decoder.iou_prediction_head.**",
                                        "decoder.output_hypernetworks_mlps.{1,2,3}.**",
                                        "decoder.prompt_encoder.{not_a_point_embed,no_mask_embed}.**",
                                        "decoder.prompt_encoder.point_embeddings.{0,1}.**"};
  for (const char* head : {"bilinear", "conv3d", "mixed"}) {
    const auto model = model_with(text(R"(, "mask_bias": 0, "head": ")", head, "\""));
    testing::redraw(*model);
    const Output output = decode_features(*model, Mode::Train, golden().at("embedding"), golden_batch());
    testing::expect_gradients(*model, weighted(output.query_masks, 4) + weighted(output.query_classes, 5), unused);
  }
}

TEST(MaskClassifier, KeepsGradientsOutOfTheCombinedClassesUnlessAskedFor) {
  EXPECT_FALSE(
      decode_features(*model_with(""), Mode::Train, golden().at("embedding"), golden_batch()).classes.requires_grad());
  EXPECT_TRUE(decode_features(*model_with(R"(, "semantic_gradient": true)"), Mode::Train, golden().at("embedding"),
                              golden_batch())
                  .classes.requires_grad());
}

TEST(MaskClassifier, SlicesStayAloneUnlessTheHeadOrAnAdapterMixesThem) {
  const auto changed_slices = [](Model& model) {
    testing::redraw(model);
    const torch::Tensor before = run_golden(model).query_masks;
    Prompts prompts = golden_prompts();
    prompts.class_tokens = prompts.class_tokens.clone();
    prompts.class_tokens.slice(0, 3, 6) += 1;  // the second slice of the first case
    const torch::NoGradGuard no_grad;
    const torch::Tensor after =
        decode_features(model, Mode::Infer, golden().at("embedding"), golden_batch(prompts)).query_masks;
    std::vector<bool> changed;
    for (int64_t slice = 0; slice < 4; ++slice)
      changed.push_back(
          !torch::equal(before.slice(0, 3 * slice, 3 * slice + 3), after.slice(0, 3 * slice, 3 * slice + 3)));
    return changed;
  };
  EXPECT_EQ(changed_slices(*model_with("")), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(changed_slices(*model_with(R"(, "head": "conv3d")")), (std::vector<bool>{true, true, false, false}));
  const auto adapted = Model::build(
      testing::decoder_registry(),
      testing::json(
          text(R"({"encoder": {"type": "cells", "channels": 16, "cell": 8}, "adapters": [{"type": "depth_conv", )",
               R"("at": "decoder.layers.*.cross_attn_image_to_token.out"}], )", kPrompter, decoder_entry(""), "}")),
      kSetup);
  EXPECT_EQ(changed_slices(*adapted), (std::vector<bool>{true, true, false, false}));
}

TEST(MaskClassifier, ComputesTheSameAfterSavingAndLoading) {
  for (const char* head : {"bilinear", "conv3d", "mixed"})
    testing::expect_reload_equal<Model>([&] { return model_with(text(R"(, "head": ")", head, "\"")); },
                                        [&](Model& model) { return run_golden(model).query_masks; });
}

TEST(MaskClassifier, RefusesWhatCannotWork) {
  const auto refusal = [](const std::string& prompter, const std::string& options) {
    return testing::message_of([&] { decoder_model(prompter + decoder_entry(options), {1, 3, {2, 24, 32}}); });
  };
  const std::string handed = R"("prompter": {"type": "handed", "queries": 2}, )";
  EXPECT_THAT(refusal("", ""), HasSubstr("needs the same number of queries on every slice"));
  EXPECT_THAT(refusal(handed, R"(, "global_token": false)"), HasSubstr("this prompter makes none; set it to true"));
  EXPECT_THAT(refusal(handed, R"(, "head": "linear")"), HasSubstr("bilinear"));
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(R"({"encoder": "unet_encoder", "prompter": "none", "decoder": "mask_classifier"})",
                                     {1, 2, {16, 16, 16}});
              }),
              HasSubstr("'mask_classifier' needs the feature embedding"));
}

TEST(MaskClassifier, RefusesPromptsThatAreNotRegular) {
  Prompts prompts = golden_prompts();
  prompts.boxes = prompts.boxes.slice(0, 0, 11);
  EXPECT_THAT(testing::message_of([&] {
                decode_features(*golden_model(""), Mode::Infer, golden().at("embedding"), golden_batch(prompts));
              }),
              HasSubstr("there are 11 prompts; expected 3 on each of the 4 slices, 12 in all"));
}

}  // namespace
}  // namespace lamina
