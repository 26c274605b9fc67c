// The whole set prediction loss against its formulas in numpy (tests/parity/make_set_match.py), and what it refuses.
#include "set_match.hpp"

#include "component_test.hpp"

#include <ATen/CPUGeneratorImpl.h>

namespace lamina {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kClasses = 4, kIgnore = 4;

const SafetensorsFile& golden() {
  static const SafetensorsFile file =
      read_safetensors(std::string(LAMINA_TEST_SOURCE_DIR) + "/tests/parity/set_match.safetensors");
  return file;
}

ConfigNode settings(const std::string& name) { return ConfigNode::parse(golden().metadata.at("settings")).at(name); }

Output output_of(const std::string& suffix, bool background) {
  Output output;
  const torch::Tensor scores = golden().tensors.at("scores" + suffix);
  output.query_classes = background ? scores : scores.narrow(1, 1, kClasses);
  output.query_masks = golden().tensors.at("masks" + suffix);
  output.image_index = torch::arange(4).repeat_interleave(6);
  return output;
}

Prediction make_prediction(bool background = true, bool aux = true) {
  Output output = output_of("", background);
  for (const char* stage : {".0", ".1"}) output.stages.push_back(output_of(stage, background));
  Prediction prediction;
  prediction.outputs.set(kPrimaryStream, output);
  if (!aux) return prediction;
  for (const char* stage : {"", ".0", ".1"})
    prediction.aux[text("prompt.masks", stage)] = golden().tensors.at(text("aux_masks", stage));
  prediction.aux["prompt.boxes"] = golden().tensors.at("aux_boxes");
  return prediction;
}

Batch batch_of(const torch::Tensor& labels) {
  Batch batch;
  batch.labels.set(kPrimaryStream, labels);
  batch.ids = {"a", "b"};
  return batch;
}

Batch plain_batch() { return batch_of(golden().tensors.at("labels")); }

std::shared_ptr<Loss> make(const std::string& entry = R"({"type": "set_match"})",
                           const LossSetup& setup = {kClasses, std::nullopt}) {
  return testing::registry().create<Loss>(testing::json(entry), "loss", setup);
}

LossContext context() {
  LossContext made;
  made.generator = at::detail::createCPUGenerator(std::stoull(golden().metadata.at("seed")));
  return made;
}

std::map<std::string, double> values_of(const std::vector<LossTerm>& terms) {
  std::map<std::string, double> values;
  for (const auto& term : terms) values[term.name] = term.value.item<double>();
  return values;
}

torch::Tensor total_of(const std::vector<LossTerm>& terms) {
  torch::Tensor total = torch::zeros({});
  for (const auto& term : terms) total = total + term.weight * term.value;
  return total;
}

std::string refusal(const std::string& entry, const Prediction& prediction) {
  return testing::message_of([&] { make(entry)->compute(prediction, plain_batch(), context()); });
}

class SetMatchParity : public ::testing::TestWithParam<const char*> {};

TEST_P(SetMatchParity, EqualsTheFormulas) {
  const ConfigNode setting = settings(GetParam());
  ConfigNode entry = ConfigNode::object();
  entry.set("type", "set_match");
  for (const char* key : {"weights", "points", "oversample", "importance", "no_object", "assign", "background",
                          "aux_mask_input", "deep_supervision"})
    entry.set(key, setting.at(key));
  const bool ignores = setting.at("ignores").as_bool();
  LossSetup setup{kClasses, std::nullopt};
  if (ignores) setup.ignore = kIgnore;
  const auto loss = testing::registry().create<Loss>(entry, "loss", setup);
  const Prediction prediction =
      make_prediction(setting.at("background").as_text() == "class", setting.at("aux").as_bool());
  const Batch batch = batch_of(golden().tensors.at(ignores ? "labels_with_ignore" : "labels"));
  const auto values = values_of(loss->compute(prediction, batch, context()));
  const ConfigNode expected = setting.at("terms");
  EXPECT_EQ(values.size(), expected.size());
  for (const auto& [name, value] : values) EXPECT_NEAR(value, expected.at(name).as_number(), 5e-6) << name;
}

INSTANTIATE_TEST_SUITE_P(Settings, SetMatchParity,
                         ::testing::Values("dense", "background_ignored", "ignore_label", "sampled",
                                           "sampled_ignore_label", "uniform_points", "all_uncertain", "release",
                                           "dense_probabilities", "fixed_by_class", "no_aux", "tiny_weights",
                                           "class_match", "decoder_layers", "generator_stages"),
                         [](const auto& info) { return std::string(info.param); });

TEST(SetMatch, ReleaseTakesProbabilitiesForLogits) {
  const auto values = values_of(make(R"({"type": "set_match", "compat": "release", "points": 40})")
                                    ->compute(make_prediction(), plain_batch(), context()));
  EXPECT_NEAR(values.at("aux_mask"), settings("release").at("terms").at("aux_mask").as_number(), 5e-6);
}

TEST(SetMatch, CarriesItsWeights) {
  const auto terms = make(R"({"type": "set_match", "weights": {"class": 1, "mask": 2, "dice": 3, "aux_mask": 4,
                              "aux_dice": 5, "aux_l1": 6, "aux_giou": 7}})")
                         ->compute(make_prediction(), plain_batch(), context());
  std::map<std::string, double> weights;
  for (const auto& term : terms) weights[term.name] = term.weight;
  const std::map<std::string, double> expected{{"class", 1},    {"mask", 2},   {"dice", 3},    {"aux_mask", 4},
                                               {"aux_dice", 5}, {"aux_l1", 6}, {"aux_giou", 7}};
  EXPECT_EQ(weights, expected);
}

TEST(SetMatch, SendsGradientsToMasksClassesAndPrompts) {
  for (const char* points : {"0", "40"}) {
    Prediction prediction = make_prediction();
    Output& output = prediction.outputs.primary();
    std::map<std::string, torch::Tensor*> inputs{{"masks", &output.query_masks},
                                                 {"classes", &output.query_classes},
                                                 {"prompt.masks", &prediction.aux["prompt.masks"]},
                                                 {"prompt.boxes", &prediction.aux["prompt.boxes"]}};
    for (auto& [name, tensor] : inputs) *tensor = tensor->clone().set_requires_grad(true);
    const auto loss = make(text(R"({"type": "set_match", "points": )", points, "}"));
    total_of(loss->compute(prediction, plain_batch(), context())).backward();
    for (const auto& [name, tensor] : inputs) {
      EXPECT_TRUE(tensor->grad().defined() && tensor->grad().abs().max().item<double>() > 0) << name;
      EXPECT_TRUE(tensor->grad().isfinite().all().item<bool>()) << name;
    }
    // Ten of 24 queries are matched: the masks of the others learn nothing.
    EXPECT_EQ(output.query_masks.grad().flatten(1).any(1).sum().item<int64_t>(), 10);
  }
}

TEST(SetMatch, IsLeastForTheRightAnswer) {
  const torch::Tensor labels = golden().tensors.at("labels");
  Prediction right;
  Output output;
  const torch::Tensor slices = labels.view({4, 1, 12, 10});
  output.query_masks = torch::where(slices == torch::arange(kClasses).view({1, 4, 1, 1}), 30.0, -30.0).flatten(0, 1);
  const torch::Tensor present = output.query_masks.gt(0).flatten(1).any(1);
  output.query_classes = torch::full({16, kClasses + 1}, -30.0);
  const torch::Tensor answer = torch::where(present, torch::arange(4).repeat({4}), kClasses);
  output.query_classes.scatter_(1, answer.unsqueeze(1), 30.0);
  right.outputs.set(kPrimaryStream, output);
  for (const auto& term : make()->compute(right, batch_of(labels), context())) {
    EXPECT_NEAR(term.value.item<double>(), 0, 1e-4) << term.name;
  }
}

TEST(SetMatch, DrawsTheSamePointsFromTheSameGenerator) {
  const auto loss = make(R"({"type": "set_match", "points": 40})");
  const auto first = values_of(loss->compute(make_prediction(), plain_batch(), context()));
  EXPECT_EQ(first, values_of(loss->compute(make_prediction(), plain_batch(), context())));
  LossContext other;
  other.generator = at::detail::createCPUGenerator(8);
  EXPECT_NE(first, values_of(loss->compute(make_prediction(), plain_batch(), other)));
}

TEST(SetMatch, CountsInstancesOverAllRanks) {
  LossContext two_ranks = context();
  two_ranks.all_reduce = [](torch::Tensor sum) { return sum.item<double>() == 1 ? sum * 2 : sum + 30; };
  const auto alone = values_of(make()->compute(make_prediction(), plain_batch(), context()));
  const auto shared = values_of(make()->compute(make_prediction(), plain_batch(), two_ranks));
  EXPECT_NEAR(shared.at("mask"), alone.at("mask") * 10 / 20, 1e-6);  // 10 instances here, 30 there: 20 on average
  EXPECT_NEAR(shared.at("class"), alone.at("class"), 1e-6);
}

TEST(SetMatch, TrainsEmptySlicesTowardsNoObject) {
  Prediction prediction = make_prediction(false);
  auto& scores = prediction.outputs.primary().query_classes;
  scores = scores.clone().set_requires_grad(true);
  const auto terms = make(R"({"type": "set_match", "background": "ignore"})")
                         ->compute(prediction, batch_of(torch::zeros({2, 1, 2, 12, 10}, torch::kInt64)), context());
  const auto values = values_of(terms);
  EXPECT_GT(values.at("class"), 0);
  for (const char* name : {"mask", "dice", "aux_mask", "aux_dice", "aux_l1", "aux_giou"}) EXPECT_EQ(values.at(name), 0);
  total_of(terms).backward();
  EXPECT_TRUE(scores.grad().select(1, kClasses - 1).lt(0).all().item<bool>());  // more of "no object" is better
}

TEST(SetMatch, LearnsNothingFromIgnoredPixels) {
  torch::Tensor labels = golden().tensors.at("labels").clone();
  labels.narrow(3, 0, 4).fill_(kIgnore);
  Prediction prediction = make_prediction();
  auto& masks = prediction.outputs.primary().query_masks;
  masks = masks.clone().set_requires_grad(true);
  const auto loss = make(R"({"type": "set_match"})", {kClasses, kIgnore});
  total_of(loss->compute(prediction, batch_of(labels), context())).backward();
  EXPECT_EQ(masks.grad().narrow(1, 0, 4).abs().max().item<double>(), 0);
  EXPECT_GT(masks.grad().narrow(1, 4, 8).abs().max().item<double>(), 0);
  EXPECT_TRUE(std::isfinite(
      values_of(loss->compute(prediction, batch_of(torch::full_like(labels, kIgnore)), context())).at("mask")));
}

TEST(SetMatch, TakesMoreClassesThanQueries) {
  Prediction prediction = make_prediction(true, false);
  Output& output = prediction.outputs.primary();
  const torch::Tensor first_two = torch::tensor({0, 1, 6, 7, 12, 13, 18, 19}).to(torch::kInt64);
  output.query_masks = output.query_masks.index_select(0, first_two);
  output.query_classes = output.query_classes.index_select(0, first_two);
  output.image_index = torch::Tensor();
  EXPECT_TRUE(total_of(make()->compute(prediction, plain_batch(), context())).isfinite().item<bool>());
  EXPECT_THAT(refusal(R"({"type": "set_match", "assign": "fixed_by_class"})", prediction),
              HasSubstr("there are 2 queries for 4 classes"));
}

TEST(SetMatch, SaysWhatDoesNotFit) {
  const std::string plain = R"({"type": "set_match"})", ignoring = R"({"type": "set_match", "background": "ignore"})";
  EXPECT_THAT(refusal(ignoring, make_prediction()),
              HasSubstr("expects 4 scores per query (3 classes and \"no object\"), but the decoder gives 5"));
  EXPECT_THAT(refusal(plain, make_prediction(false)), HasSubstr("must say the same in loss and decoder"));
  Prediction no_queries = make_prediction();
  no_queries.outputs.primary().query_masks = torch::Tensor();
  EXPECT_THAT(refusal(plain, no_queries), HasSubstr("use the decoder 'mask_classifier', or the loss 'dice_ce'"));
  Prediction ragged = make_prediction();
  ragged.outputs.primary().image_index = torch::zeros({24}, torch::kInt64);
  EXPECT_THAT(refusal(plain, ragged), HasSubstr("the same number of queries on each of the 4 slices"));
  Prediction two = make_prediction();
  two.outputs.set("second", two.outputs.primary());
  EXPECT_THAT(refusal(plain, two), HasSubstr("scores one stream"));
}

TEST(SetMatch, AsksForTheStagesItShallTrain) {
  Prediction prediction = make_prediction();
  prediction.outputs.primary().stages.clear();
  prediction.aux.erase("prompt.masks.0");
  prediction.aux.erase("prompt.masks.1");
  const std::string layers = R"({"type": "set_match", "deep_supervision": "decoder_layers"})";
  EXPECT_THAT(refusal(layers, prediction), HasSubstr("hands on no earlier layers"));
  EXPECT_THAT(refusal(R"({"type": "set_match", "deep_supervision": "generator_stages"})", prediction),
              HasSubstr("hands on no coarser masks"));
  const torch::NoGradGuard validation;
  EXPECT_EQ(refusal(layers, prediction), "");
}

TEST(SetMatch, NamesTheCasesWithUndeclaredLabels) {
  torch::Tensor labels = golden().tensors.at("labels").clone();
  labels[0][0][0][0][0] = 7;
  const std::string message =
      testing::message_of([&] { make()->compute(make_prediction(), batch_of(labels), context()); });
  EXPECT_THAT(message, HasSubstr("cases a, b"));
  EXPECT_THAT(message, HasSubstr("go from 0 to 7; the dataset declares 0 to 3"));
}

TEST(SetMatch, RefusesOptionsOutOfRange) {
  const auto message = [](const std::string& options) {
    return testing::message_of([&] { make(R"({"type": "set_match", )" + options + "}"); });
  };
  EXPECT_THAT(message(R"("importance": 1.5)"), HasSubstr("importance"));
  EXPECT_THAT(message(R"("oversample": 0.5)"), HasSubstr("oversample"));
  EXPECT_THAT(message(R"("points": -1)"), HasSubstr("points"));
  EXPECT_THAT(message(R"("assign": "hungarain")"), HasSubstr("hungarian"));
  EXPECT_THAT(message(R"("weights": {"class": 0, "mask": 0, "dice": 0, "aux_mask": 0, "aux_l1": 0, "aux_giou": 0})"),
              HasSubstr("nothing is left to train on"));
  EXPECT_THAT(testing::message_of([] {
                make(R"({"type": "set_match", "background": "ignore"})", {1, {}});
              }),
              HasSubstr("only 1 class"));
}

}  // namespace
}  // namespace lamina
