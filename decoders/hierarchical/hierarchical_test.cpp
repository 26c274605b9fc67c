// H-SAM's decoder against its formulas in numpy (tests/parity/make_hierarchical.py), its sizes against the released
// code, and what its gate does to gradients.
#include "hierarchical.hpp"

#include "decoder_test.hpp"

namespace lamina {
namespace {

using testing::decoder_registry;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::normal;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("hierarchical");
  return tensors;
}

const ModelSetup kSetup{1, 3, {2, 16, 24}};

// The golden file's sizes: 16 channels on 2 x 3 cells of 8 pixels.
std::shared_ptr<Model> small_model(const std::string& options = "") {
  return Model::build(
      decoder_registry(),
      testing::json(
          text(R"({"encoder": {"type": "cells", "channels": 16, "cell": 8}, "decoder": {"type": "hierarchical", )",
               R"("heads": 2, "mlp_channels": 24, "upscale_channels": [8, 4], "cmattn_channels": 20)", options, "}}")),
      kSetup);
}

// With H-SAM's sizes on an image of `side` pixels and Synapse's eight organs.
std::shared_ptr<Model> paper_model(int64_t side, const std::string& options = "") {
  return Model::build(
      decoder_registry(),
      testing::json(
          text(R"({"encoder": {"type": "cells", "channels": 256, "cell": 16}, "decoder": {"type": "hierarchical")",
               options, "}}")),
      {1, 9, {1, side, side}});
}

std::shared_ptr<Model> golden_model(const std::string& options) {
  auto model = small_model(options);
  StateDict weights = testing::with_prefix(golden(), "weights.");
  const StateDict own = state_of(model->decoder());  // without a gate its tensors are not there
  std::erase_if(weights, [&](const auto& item) { return !own.contains(item.first); });
  load_state_strictly(model->decoder(), weights, "the golden file");
  return model;
}

Prediction run_golden(Model& model, Mode mode = Mode::Infer) {
  const torch::NoGradGuard no_grad;
  Features features;
  features.set("embedding", golden().at("embedding"));
  Session session(model, mode);
  session.inject(testing::noise_batch(1, 1, {2, 16, 24}, 3), Streams<Features>(features));
  return session.decode();
}

void expect_close(const torch::Tensor& got, const torch::Tensor& expected) {
  EXPECT_LE(largest_difference(got, expected), 2e-5 * std::max(1.0, expected.abs().max().item<double>()));
}

class HierarchicalParity : public ::testing::TestWithParam<const char*> {};

TEST_P(HierarchicalParity, EqualsItsFormulasWithEveryGate) {
  const std::string gate = GetParam();
  const auto prediction = run_golden(*golden_model(text(R"(, "cmattn": ")", gate, "\"")));
  expect_close(prediction.aux.at("decoder.stage1"), golden().at("stage1"));
  expect_close(prediction.aux.at("decoder.prior"), golden().at("prior"));
  expect_close(prediction.aux.at("decoder.stage2"), golden().at(gate + ".stage2"));
  EXPECT_EQ(prediction.aux.contains("decoder.gate"), gate != "off");
  if (gate != "off") expect_close(prediction.aux.at("decoder.gate"), golden().at(gate + ".gate"));
}

INSTANTIATE_TEST_SUITE_P(Gates, HierarchicalParity, ::testing::Values("off", "release", "spatial_softmax", "sigmoid"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Hierarchical, SteersAttentionByThePrior) {
  const auto stage2 = [](const std::string& form) {
    return run_golden(*golden_model(text(R"(, "cmattn": "sigmoid", "mask_attn": ")", form, "\"")))
        .aux.at("decoder.stage2");
  };
  expect_close(stage2("mul_post"), golden().at("sigmoid.stage2"));
  expect_close(stage2("add_log"), golden().at("add_log.stage2"));
  expect_close(stage2("off"), golden().at("no_mask.stage2"));
}

TEST(Hierarchical, FusesItsStagesAtPredictionAndKeepsThemApartWhileTraining) {
  for (const std::string fuse : {"mean", "stage1", "stage2"}) {
    const auto model = golden_model(text(R"(, "cmattn": "sigmoid", "fuse": ")", fuse, "\""));
    const Output output = run_golden(*model).outputs.primary();
    expect_close(output.classes, golden().at("classes." + fuse));
    EXPECT_TRUE(output.stages.empty());
  }
  const auto quiet =
      golden_model(R"(, "cmattn": "sigmoid", "cmattn_noise": false, "embed_noise": 0, "token_dropout": 0)");
  const Output output = run_golden(*quiet, Mode::Train).outputs.primary();
  expect_close(output.classes, golden().at("classes.stage2"));
  ASSERT_EQ(output.stages.size(), 1);
  expect_close(output.stages[0].classes, golden().at("stage1").transpose(0, 1).unsqueeze(0));  // [1, K, D, 4h, 4w]
}

TEST(Hierarchical, IsItsFirstDecoderWithOneStage) {
  const auto model = golden_model(R"(, "stages": 1, "fuse": "stage1")");
  EXPECT_EQ(model->uses_labels(), LabelUse::Never);
  for (const auto& item : model->decoder().named_parameters()) EXPECT_FALSE(item.key().starts_with("mask_decoder2"));
  for (const Mode mode : {Mode::Train, Mode::Infer}) {
    const Output output = run_golden(*model, mode).outputs.primary();
    expect_close(output.classes, golden().at("classes.stage1"));
    EXPECT_TRUE(output.stages.empty());
  }
}

// With SAM's order of a layer the first decoder is `sam_mask` with a token per class.
TEST(Hierarchical, IsSamsDecoderInSamsOrderWithOneStage) {
  const torch::NoGradGuard no_grad;
  const auto sam = Model::build(
      decoder_registry(),
      testing::json(
          R"({"encoder": {"type": "cells", "channels": 16, "cell": 8}, "decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 2, "mlp_channels": 24, "upscale_channels": [8, 4]}})"),
      kSetup);
  testing::redraw(*sam, 5);
  const auto same = small_model(R"(, "stages": 1, "fuse": "stage1", "layer_order": "sam")");
  const auto other = small_model(R"(, "stages": 1, "fuse": "stage1")");
  load_state_strictly(*same, state_of(*sam), "sam_mask");
  load_state_strictly(*other, state_of(*sam), "sam_mask");
  const Batch batch = testing::noise_batch(2, 1, {2, 16, 24}, 3);
  const auto classes = [&](Model& model) { return forward(model, Mode::Infer, batch).outputs.primary().classes; };
  EXPECT_EQ(largest_difference(classes(*same), classes(*sam)), 0);
  EXPECT_GT(largest_difference(classes(*other), classes(*sam)), 1e-6);
}

// A softmax over an axis of length 1: the gate is 1, the second decoder sees the embedding twice, and nothing that
// makes the gate learns.
TEST(Hierarchical, ItsReleasedGateDoublesTheEmbeddingWhateverItSees) {
  const auto release = golden_model(R"(, "cmattn": "release")");
  EXPECT_TRUE(torch::equal(run_golden(*release).aux.at("decoder.gate"), torch::ones({2, 2, 3, 1})));
  const torch::Tensor before = run_golden(*release).aux.at("decoder.stage2");
  const auto off = golden_model(R"(, "cmattn": "off")");
  {
    const torch::NoGradGuard no_grad;
    for (const auto& item : release->named_parameters()) {
      if (item.key().find("self_attn.") != std::string::npos && item.key().find("transformer") == std::string::npos)
        item.value().mul_(-3);  // another gate, were it one
    }
  }
  EXPECT_EQ(largest_difference(run_golden(*release).aux.at("decoder.stage2"), before), 0);
  EXPECT_GT(largest_difference(run_golden(*off).aux.at("decoder.stage2"), before), 1e-3);
}

const std::vector<std::string> kUnused{
    "decoder.prompt_encoder.{point_embeddings,not_a_point_embed,mask_downscaling}.**",
    "decoder.iou_prediction_head.**"};
const std::vector<std::string> kGate{"decoder.mask_decoder2.{self_attn,self_attn2,norm1,norm2,mlp,med_sel}.**"};

torch::Tensor training_loss(Model& model) {
  const Output output = forward(model, Mode::Train, testing::noise_batch(2, 1, {2, 16, 24}, 3)).outputs.primary();
  return (output.classes * normal(output.classes.sizes().vec(), 3)).sum() +
         (output.stages[0].classes * normal(output.stages[0].classes.sizes().vec(), 4)).sum();
}

// Stronger than N(0, 0.1), so that the gate's scores differ from cell to cell.
std::shared_ptr<Model> redrawn(const std::string& options) {
  auto model = small_model(options);
  testing::redraw(*model, 7);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) parameter.mul_(4);
  return model;
}

TEST(Hierarchical, GradientsReachTheRepairedGateAndNotTheReleasedOne) {
  for (const char* gate : {"spatial_softmax", "sigmoid"}) {
    const auto model = redrawn(text(R"(, "cmattn": ")", gate, "\""));
    testing::expect_gradients(*model, training_loss(*model), kUnused);
  }
  const auto model = redrawn(R"(, "cmattn": "release")");
  training_loss(*model).backward();
  const Glob gate(kGate[0]);
  for (const auto& item : model->named_parameters()) {
    if (!gate.matches(item.key())) continue;
    const torch::Tensor gradient = item.value().grad();
    EXPECT_TRUE(!gradient.defined() || gradient.abs().max().item<double>() == 0) << item.key();
  }
}

TEST(Hierarchical, ComputesTheSameAfterSavingAndLoading) {
  const Batch batch = testing::noise_batch(1, 1, {2, 16, 24}, 3);
  for (const char* options : {"", R"(, "compat": "release")", R"(, "pixel_skip": false, "hyper_layers": 2)"}) {
    testing::expect_reload_equal<Model>(
        [&] { return small_model(options); },
        [&](Model& model) { return forward(model, Mode::Infer, batch).outputs.primary().classes.detach(); });
  }
}

int64_t count_below(const Model& model, const std::string& glob) {
  const Glob wanted(glob);
  int64_t count = 0;
  for (const auto& item : model.named_parameters()) count += wanted.matches(item.key()) ? item.value().numel() : 0;
  return count;
}

// The counts of the method sheet; of transformer2, 9,832 are the norms that the release never applies.
TEST(HierarchicalSizes, AreThoseOfTheReleasedCode) {
  const auto model = paper_model(224, R"(, "compat": "release")");
  EXPECT_EQ(count_below(*model, "decoder.mask_decoder2.transformer2.**"), 3826920);
  EXPECT_EQ(count_below(*model, "decoder.mask_decoder2.output_hypernetworks_mlps2.**"), 2405520);
  EXPECT_EQ(count_below(*model, kGate[0]), 1114750);
  EXPECT_EQ(count_below(*model, "decoder.mask_decoder2.skip_connect.**"), 10384);
  EXPECT_EQ(count_below(*paper_model(512, R"(, "compat": "release")"), kGate[0]), 12598282);
  EXPECT_EQ(count_below(*paper_model(224), "decoder.mask_decoder2.transformer2.**"), 3826920 - 9832);
}

TEST(HierarchicalSizes, NamesAndShapesAreThoseOfTheReleasedCode) {
  using Sizes = std::vector<int64_t>;
  const auto model = paper_model(224, R"(, "compat": "release")");
  const StateDict state = testing::with_prefix(state_of(model->decoder()), "mask_decoder2.");
  const std::map<std::string, Sizes> expected{
      {"mask_tokens.weight", {9, 256}},
      {"transformer2.layers.1.cross_attn_token_to_image.q_proj.weight", {256, 256}},
      {"transformer2.layers.0.cross_attn_image_to_token.norm1.weight", {196}},
      {"transformer2.layers.0.cross_attn_image_to_token.norm2.bias", {9}},
      {"transformer2.layers.0.cross_attn_token_to_image.norm3.weight", {1024}},
      {"transformer2.final_attn_token_to_image.q_proj.weight", {128, 256}},
      {"output_upscaling.3.weight", {64, 32, 2, 2}},
      {"skip_connect.0.weight", {64, 32, 2, 2}},
      {"skip_connect.1.weight", {32}},
      {"skip_connect.3.weight", {32, 16, 2, 2}},
      {"skip_connect.4.bias", {16}},
      {"output_hypernetworks_mlps2.8.layers.4.weight", {16, 256}},
      {"iou_prediction_head.layers.2.weight", {9, 256}},
      {"self_attn.q_proj.weight", {196, 196}},
      {"self_attn2.out_proj.bias", {196}},
      {"norm2.weight", {196}},
      {"mlp.lin1.weight", {2048, 196}},
      {"med_sel.0.weight", {1, 9}}};
  for (const auto& [name, shape] : expected) {
    ASSERT_TRUE(state.contains(name)) << name;
    EXPECT_EQ(state.at(name).sizes(), shape) << name;
  }
  // transformer2: 2 layers of 12 attention, 4 MLP, 8 norm tensors, 24 per layer of attention, 12 unused norms; and 10.
  const auto in = [&](const std::string& part) {
    return std::ranges::count_if(state, [&](const auto& item) { return item.first.starts_with(part); });
  };
  EXPECT_EQ(in("transformer2."), 2 * (3 * 8 + 4 + 8 + 12) + 8 + 2);
  EXPECT_EQ(in("output_hypernetworks_mlps2."), 9 * 10);
  EXPECT_EQ(in("skip_connect."), 8);
}

// Sorted by how often they occur: the rarest class of the batch gets the first standard deviation.
TEST(ClassNoise, IsStrongestWhereTheRarestClassIs) {
  const torch::Tensor maps = torch::full({1, 4, 6000}, 2.0);
  torch::Tensor labels = torch::zeros({1, 6000}, torch::kInt64);
  labels.slice(1, 0, 1000).fill_(7);     // rarest
  labels.slice(1, 1000, 3000).fill_(2);  // in between; 0 has 3000
  torch::manual_seed(3);
  const torch::Tensor noisy = hierarchical::with_class_noise(maps, labels, {0.5, 0.2}) - 4;  // the mean comes on top
  EXPECT_NEAR(noisy.slice(2, 0, 1000).std().item<double>(), 0.5, 0.02);
  EXPECT_NEAR(noisy.slice(2, 1000, 3000).std().item<double>(), 0.2, 0.01);
  EXPECT_EQ(noisy.slice(2, 3000).abs().max().item<double>(), 0);
  EXPECT_NEAR(noisy.mean().item<double>(), 0, 0.02);
}

TEST(Hierarchical, SeesLabelsWhileTrainingOnlyWhereItsNoiseNeedsThem) {
  EXPECT_EQ(small_model()->uses_labels(), LabelUse::WhileTraining);
  EXPECT_EQ(small_model(R"(, "cmattn_noise": false)")->uses_labels(), LabelUse::Never);
  EXPECT_EQ(small_model(R"(, "cmattn": "off")")->uses_labels(), LabelUse::Never);
  const auto model = small_model();
  torch::NoGradGuard no_grad;
  const Batch batch = testing::noise_batch(1, 1, {2, 16, 24}, 3);
  torch::manual_seed(1);
  const torch::Tensor once = forward(*model, Mode::Train, batch).outputs.primary().classes;
  torch::manual_seed(1);
  EXPECT_EQ(largest_difference(forward(*model, Mode::Train, batch).outputs.primary().classes, once), 0);
  EXPECT_GT(largest_difference(forward(*model, Mode::Train, batch).outputs.primary().classes, once), 0);
}

TEST(Hierarchical, RefusesWhatCannotWork) {
  const auto refusal = [](const std::string& options) { return testing::message_of([&] { small_model(options); }); };
  EXPECT_THAT(refusal(R"(, "cmattn_heads": 4)"), HasSubstr("4 heads cannot share the 6 cells"));
  EXPECT_THAT(refusal(R"(, "stages": 3)"), HasSubstr("stages"));
  EXPECT_THAT(refusal(R"(, "stages": 1, "fuse": "stage2")"), HasSubstr("one stage only"));
  EXPECT_THAT(refusal(R"(, "token_dropout": 1)"), HasSubstr("token_dropout"));
  EXPECT_THAT(refusal(R"(, "cmattn": "softmax")"), HasSubstr("spatial_softmax"));
  const auto widths = [](const std::string& list) {
    return testing::message_of([&] {
      Model::build(
          decoder_registry(),
          testing::json(R"({"encoder": "cells", "decoder": {"type": "hierarchical", "heads": 3, "upscale_channels": )" +
                        list + "}}"),
          {1, 2, {1, 24, 32}});
    });
  };
  EXPECT_THAT(widths("[8, 4, 2]"), HasSubstr("has 3 entries; expected 2"));
  EXPECT_THAT(widths("[4, 1]"), HasSubstr("ends in 1"));
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(R"({"encoder": "unet_encoder", "decoder": "hierarchical"})", {1, 2, {16, 16, 16}});
              }),
              HasSubstr("'hierarchical' needs the feature embedding"));
}

}  // namespace
}  // namespace lamina
