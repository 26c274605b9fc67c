// The loss against its formulas in numpy (which agree with nnunetv2's class, see tests/parity/make_dice_ce.py).
#include "dice_ce.hpp"

#include "component_test.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;

const SafetensorsFile& golden() {
  static const SafetensorsFile file =
      read_safetensors(std::string(LAMINA_TEST_SOURCE_DIR) + "/tests/parity/dice_ce.safetensors");
  return file;
}

Prediction prediction_of(int64_t resolutions) {
  Output output;
  output.classes = golden().tensors.at("logits.0");
  for (int64_t i = 1; i < resolutions; ++i) {
    Output coarse;
    coarse.classes = golden().tensors.at(text("logits.", i));
    output.stages.push_back(coarse);
  }
  Prediction prediction;
  prediction.outputs.set(kPrimaryStream, output);
  return prediction;
}

Batch batch_of(const torch::Tensor& labels) {
  Batch batch;
  batch.labels.set(kPrimaryStream, labels);
  batch.ids = {"a", "b"};
  return batch;
}

std::shared_ptr<Loss> make(const std::string& entry, const LossSetup& setup = {4, std::nullopt}) {
  return testing::registry().create<Loss>(testing::json(entry), "loss", setup);
}

double value_of(const std::vector<LossTerm>& terms, const std::string& name) {
  for (const auto& term : terms) {
    if (term.name == name) return term.value.item<double>();
  }
  ADD_FAILURE() << "no term " << name;
  return 0;
}

class DiceCeParity : public ::testing::TestWithParam<const char*> {};

TEST_P(DiceCeParity, EqualsTheFormulas) {
  const ConfigNode setting = ConfigNode::parse(golden().metadata.at("settings")).at(GetParam());
  ConfigNode entry = ConfigNode::object();
  entry.set("type", "dice_ce");
  for (const char* key : {"smooth", "batch_dice", "background", "squared"}) entry.set(key, setting.at(key));
  entry.set("deep_supervision", setting.at("weights"));
  LossSetup setup{4, std::nullopt};
  const bool ignores = !setting.at("ignore").is_null();
  if (ignores) setup.ignore = setting.at("ignore").as_integer();
  const auto loss = testing::registry().create<Loss>(entry, "loss", setup);
  const Batch batch = batch_of(golden().tensors.at(ignores ? "labels_with_ignore" : "labels"));
  const auto terms = loss->compute(prediction_of(setting.at("resolutions").as_integer()), batch, {});
  EXPECT_NEAR(value_of(terms, "ce"), setting.at("ce").as_number(), 2e-6);
  EXPECT_NEAR(value_of(terms, "dice"), setting.at("dice").as_number(), 2e-6);
}

INSTANTIATE_TEST_SUITE_P(Settings, DiceCeParity,
                         ::testing::Values("plain", "one_resolution", "batch_dice", "background", "smooth", "ignore",
                                           "ignore_batch_dice", "weights", "squared"),
                         [](const auto& info) { return std::string(info.param); });

// A decoder's own masks, thinned labels: the same as giving these masks and labels of their size.
TEST(DiceCe, ComparesTheDecodersOwnMasksWhereAsked) {
  const torch::Tensor coarse = golden().tensors.at("logits.1");  // [2, 4, 4, 4, 3], half of [4, 8, 6] in the plane
  Prediction prediction = prediction_of(1);
  prediction.outputs.primary().low_res = coarse.transpose(1, 2).flatten(0, 1);  // [B*D, K, h, w]
  const torch::Tensor labels = golden().tensors.at("labels");
  const auto terms = make(R"({"type": "dice_ce", "resolution": "low_res"})")->compute(prediction, batch_of(labels), {});
  Prediction direct;
  Output output;
  output.classes = coarse;
  direct.outputs.set(kPrimaryStream, output);
  const torch::Tensor thinned = labels.slice(3, 1, torch::indexing::None, 2).slice(4, 1, torch::indexing::None, 2);
  const auto expected = make(R"({"type": "dice_ce"})")->compute(direct, batch_of(thinned.contiguous()), {});
  for (const char* term : {"ce", "dice"}) EXPECT_EQ(value_of(terms, term), value_of(expected, term));
}

TEST(DiceCe, NamesDecodersThatHaveNoMasksOfTheirOwn) {
  const auto loss = make(R"({"type": "dice_ce", "resolution": "low_res"})");
  EXPECT_THAT(
      testing::message_of([&] { loss->compute(prediction_of(1), batch_of(golden().tensors.at("labels")), {}); }),
      HasSubstr("this decoder makes none"));
}

TEST(DiceCe, ReachesItsBestValueForACertainCorrectAnswer) {
  const torch::Tensor labels = golden().tensors.at("labels");
  Prediction prediction;
  Output output;
  output.classes = 50 * torch::one_hot(labels.squeeze(1), 4).permute({0, 4, 1, 2, 3}).to(torch::kFloat32);
  prediction.outputs.set(kPrimaryStream, output);
  const auto terms = make(R"({"type": "dice_ce", "batch_dice": true})")->compute(prediction, batch_of(labels), {});
  EXPECT_NEAR(value_of(terms, "ce"), 0, 1e-6);
  EXPECT_NEAR(value_of(terms, "dice"), -1, 1e-6);
}

TEST(DiceCe, SendsAGradientToEveryWeightedResolution) {
  Prediction prediction = prediction_of(3);
  auto& output = prediction.outputs.primary();
  for (torch::Tensor* logits : {&output.classes, &output.stages[0].classes, &output.stages[1].classes})
    *logits = logits->clone().set_requires_grad(true);
  const auto terms = make(R"({"type": "dice_ce"})")->compute(prediction, batch_of(golden().tensors.at("labels")), {});
  (terms[0].value * terms[0].weight + terms[1].value * terms[1].weight).backward();
  EXPECT_GT(output.classes.grad().abs().max().item<double>(), 0);
  EXPECT_GT(output.stages[0].classes.grad().abs().max().item<double>(), 0);
  EXPECT_FALSE(output.stages[1].classes.grad().defined());  // the lowest has weight 0
}

// H-SAM's w = 0.6^(0.99^epoch): the second stage counts 0.6 at first and nearly all in the end.
TEST(DiceCe, MovesItsWeightToTheFinestOutputWithTheEpochs) {
  const torch::Tensor labels = golden().tensors.at("labels");
  Prediction coarse;
  Output output;
  output.classes = golden().tensors.at("logits.1");
  coarse.outputs.set(kPrimaryStream, output);
  const auto grown = make(R"({"type": "dice_ce", "finest_start": 0.6})"), plain = make(R"({"type": "dice_ce"})");
  const double fine_ce = value_of(plain->compute(prediction_of(1), batch_of(labels), {}), "ce");
  const double coarse_ce = value_of(plain->compute(coarse, batch_of(labels), {}), "ce");
  const std::map<int64_t, double> shares{{0, 0.6}, {100, 0.82946}, {300, 0.97526}};
  for (const auto& [epoch, share] : shares) {
    LossContext context;
    context.epoch = epoch;
    EXPECT_NEAR(value_of(grown->compute(prediction_of(2), batch_of(labels), context), "ce"),
                share * fine_ce + (1 - share) * coarse_ce, 2e-5)
        << "epoch " << epoch;
  }
}

TEST(DiceCe, GivesZeroCrossEntropyWhereEverythingIsIgnored) {
  const torch::Tensor labels = torch::full_like(golden().tensors.at("labels"), 4);
  const auto terms = make(R"({"type": "dice_ce"})", {4, 4})->compute(prediction_of(1), batch_of(labels), {});
  EXPECT_EQ(value_of(terms, "ce"), 0);
  EXPECT_TRUE(std::isfinite(value_of(terms, "dice")));
}

TEST(DiceCe, CarriesItsWeights) {
  const auto terms = make(R"({"type": "dice_ce", "weight_ce": 0.5, "weight_dice": 2})")
                         ->compute(prediction_of(1), batch_of(golden().tensors.at("labels")), {});
  EXPECT_EQ(terms[0].weight, 0.5);
  EXPECT_EQ(terms[1].weight, 2);
}

TEST(DiceCe, NamesTheCasesWithUndeclaredLabels) {
  torch::Tensor labels = golden().tensors.at("labels").clone();
  labels[0][0][0][0][0] = 7;
  const std::string message =
      testing::message_of([&] { make(R"({"type": "dice_ce"})")->compute(prediction_of(1), batch_of(labels), {}); });
  EXPECT_THAT(message, HasSubstr("cases a, b"));
  EXPECT_THAT(message, HasSubstr("go from 0 to 7; the dataset declares 0 to 3"));
}

TEST(DiceCe, RefusesWhatItCannotWeigh) {
  EXPECT_THAT(testing::message_of([] { make(R"({"type": "dice_ce", "weight_ce": 0, "weight_dice": 0})"); }),
              HasSubstr("nothing is left to train on"));
  EXPECT_THAT(testing::message_of([] {
                make(R"({"type": "dice_ce"})", {1, std::nullopt});
              }),
              HasSubstr("set \"background\": true"));
  EXPECT_THAT(
      testing::message_of([] { make(R"({"type": "dice_ce", "finest_start": 0.6, "deep_supervision": [1, 1]})"); }),
      HasSubstr("leave out deep_supervision"));
  const auto loss = make(R"({"type": "dice_ce", "deep_supervision": [1, 1]})");
  EXPECT_THAT(
      testing::message_of([&] { loss->compute(prediction_of(3), batch_of(golden().tensors.at("labels")), {}); }),
      HasSubstr("has 2 weights, but the decoder predicts at 3 resolutions"));
}

}  // namespace
}  // namespace lamina
