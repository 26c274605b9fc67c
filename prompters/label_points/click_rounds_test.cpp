// Clicks where the mask is wrong, with a decoder whose masks are known beforehand.
#include "clicks.hpp"
#include "label_points.hpp"

#include "label_prompts.hpp"

#include <lamina/nn/sam_decoder.hpp>

namespace lamina {
namespace {

using ::testing::HasSubstr;
using testing::integers_of;
using testing::labelled;
using testing::rows_of;

// What the scripted decoder answers, call by call, and what it was asked.
struct Script {
  std::vector<torch::Tensor> masks;  // [N, M, h, w] of each call
  torch::Tensor quality;
  std::vector<Prompts> asked;
  bool saw_labels = false;
};

Script& script() {
  static Script instance;
  return instance;
}

struct ScriptedOptions {
  void bind(OptionBinder&) {}
};

class Scripted : public Decoder {
 public:
  using Options = ScriptedOptions;
  Scripted(const Options&, const DecoderContext& context) : classes_(context.classes) {}
  PromptKinds accepts() const override { return {PromptKind::Points, PromptKind::Masks}; }
  std::vector<std::string> needs() const override { return {"embedding"}; }
  Prediction decode(Scene& scene, const Streams<Prompts>& prompts) override {
    script().saw_labels = script().saw_labels || !scene.batch().labels.empty();
    const torch::Tensor& image = scene.batch().images.primary();
    Output output;
    output.classes = torch::zeros({image.size(0), classes_, image.size(2), image.size(3), image.size(4)});
    if (script().asked.size() < script().masks.size()) output.low_res = script().masks[script().asked.size()];
    output.quality = script().quality;
    script().asked.push_back(prompts.primary());
    Prediction prediction;
    prediction.outputs.set(kPrimaryStream, output);
    return prediction;
  }

 private:
  int64_t classes_;
};

const Registry& registry_with_script() {
  static const std::unique_ptr<Registry> instance = [] {
    auto made = std::make_unique<Registry>();
    discover_plugins(*made, {LAMINA_TEST_PLUGIN_DIR});
    Registrar registrar("click_rounds_test", "");
    registrar.add<testing::CellEncoder>("backbone", "cells", "1", "means of cells");
    registrar.add<Scripted>("decoder", "scripted", "1", "masks that a test wrote");
    made->add(registrar.take());
    return made;
  }();
  return *instance;
}

// One slice of 24 x 32 pixels, class 1 as 5 x 9 pixels.
torch::Tensor plank() {
  torch::Tensor labels = torch::zeros({1, 1, 1, 24, 32}, torch::kInt64);
  labels[0][0][0].slice(0, 4, 9).slice(1, 10, 19).fill_(1);
  return labels;
}

// Logits of a mask: 3 inside, -3 outside. [1, 1, 24, 32]
torch::Tensor logits_of(const torch::Tensor& mask) { return mask.to(torch::kFloat32).view({1, 1, 24, 32}) * 6 - 3; }

// The plank without its last five columns, and 3 x 3 pixels elsewhere that are wrong.
torch::Tensor half_right() {
  torch::Tensor mask = plank().squeeze().to(torch::kBool);
  mask.slice(1, 14, 19).fill_(false);
  mask.slice(0, 18, 21).slice(1, 2, 5).fill_(true);
  return mask;
}

torch::Tensor too_much() { return plank().squeeze().to(torch::kBool).logical_or(half_right()); }

Prediction play(const std::string& options, Script scene, const testing::Draw& draw = {},
                const torch::Tensor& labels = plank()) {
  script() = std::move(scene);
  const auto model =
      Model::build(registry_with_script(),
                   testing::json(R"({"encoder": "cells", "decoder": "scripted", "prompter": {"type": "label_points")" +
                                 options + "}}"),
                   {1, 2, {labels.size(2), 24, 32}});
  Session session(*model, draw.mode, draw.seed, draw.epoch);
  session.encode(labelled(labels));
  return session.decode();
}

Script three_masks() {
  Script made;
  made.masks = {logits_of(half_right()), logits_of(too_much()), logits_of(plank().squeeze())};
  return made;
}

TEST(ClickRounds, ClickOnTheLargestMistake) {
  play(R"(, "rounds": 3)", [] {
    Script made = three_masks();
    made.masks.push_back(made.masks.back());
    return made;
  }());
  const auto& asked = script().asked;
  ASSERT_EQ(asked.size(), 4);
  EXPECT_EQ(rows_of(asked[0].points), (std::vector<std::vector<double>>{{14, 6}}));
  // Missed: columns 14 to 18. Then the 3 x 3 pixels are too much. Then nothing is wrong.
  EXPECT_EQ(rows_of(asked[3].points), (std::vector<std::vector<double>>{{14, 6, 16, 6, 3, 19, 0, 0}}));
  EXPECT_EQ(integers_of(asked[3].point_labels), (std::vector<int64_t>{1, 1, 0, -1}));
  for (size_t round = 0; round < 4; ++round) EXPECT_EQ(asked[round].points.size(1), 1 + static_cast<int64_t>(round));
  EXPECT_FALSE(script().saw_labels);
}

TEST(ClickRounds, AreAsManyAsWereAskedFor) {
  for (const size_t rounds : {0, 1, 2}) {
    const Prediction prediction = play(text(R"(, "rounds": )", rounds), three_masks());
    EXPECT_EQ(script().asked.size(), rounds + 1);
    ASSERT_EQ(prediction.rounds.size(), rounds);
    EXPECT_TRUE(torch::equal(prediction.outputs.primary().low_res, script().masks[rounds]));
    for (size_t i = 0; i < rounds; ++i)
      EXPECT_TRUE(torch::equal(prediction.rounds[i].primary().low_res, script().masks[i]));
  }
}

TEST(ClickRounds, HandTheLogitsBack) {
  play(R"(, "rounds": 1)", three_masks());
  EXPECT_FALSE(script().asked[0].mask_logits.defined());
  // Four pixels per cell of 8 x 8: the mask comes at another size here, and is brought to it.
  EXPECT_TRUE(torch::equal(script().asked[1].mask_logits, nn::resize_masks(script().masks[0], 12, 16)));
  play(R"(, "rounds": 1, "feed_logits": false)", three_masks());
  EXPECT_FALSE(script().asked[1].mask_logits.defined());
}

TEST(ClickRounds, GoOnFromTheMaskOfTheBestQuality) {
  Script several;
  several.masks = {torch::cat({logits_of(plank().squeeze()), logits_of(half_right())}, 1),
                   logits_of(plank().squeeze())};
  several.quality = torch::tensor({{0.2F, 0.9F}});
  play(R"(, "rounds": 1, "multimask": true)", several);
  EXPECT_TRUE(script().asked[0].multimask);
  EXPECT_FALSE(script().asked[1].multimask);
  EXPECT_EQ(rows_of(script().asked[1].points), (std::vector<std::vector<double>>{{14, 6, 16, 6}}));
  EXPECT_TRUE(torch::equal(script().asked[1].mask_logits, nn::resize_masks(logits_of(half_right()), 12, 16)));
}

TEST(ClickRounds, AreDrawnWithinTheMistakeWhileTraining) {
  const auto click = [](const testing::Draw& draw) {
    play(R"(, "rounds": 1)", three_masks(), draw);
    EXPECT_EQ(script().asked[1].point_labels[0][1].item<int64_t>(), 1);
    return rows_of(script().asked[1].points.select(1, 1))[0];
  };
  std::set<std::vector<double>> seen;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<double> point = click({Mode::Train, seed});
    EXPECT_TRUE(point[0] >= 14 && point[0] <= 18 && point[1] >= 4 && point[1] <= 8) << point[0] << ' ' << point[1];
    EXPECT_EQ(click({Mode::Train, seed}), point);
    seen.insert(point);
  }
  EXPECT_GT(seen.size(), 8);
  EXPECT_NE(click({Mode::Train, 1, 0}), click({Mode::Train, 1, 1}));
}

TEST(ClickRounds, LetTheGradientThrough) {
  Script made = three_masks();
  made.masks[0] = made.masks[0].clone().requires_grad_();
  play(R"(, "rounds": 1)", made, {Mode::Train});
  script().asked[1].mask_logits.sum().backward();
  EXPECT_GT(script().masks[0].grad().abs().min().item<double>(), 0);
}

TEST(ClickRounds, DoNotCountIgnoredPixels) {
  torch::Tensor labels = plank();
  labels[0][0][0].slice(1, 14, 19).fill_(9);
  Batch batch = labelled(labels);
  batch.ignore = 9;
  script() = three_masks();
  const auto model = Model::build(
      registry_with_script(),
      testing::json(
          R"({"encoder": "cells", "decoder": "scripted", "prompter": {"type": "label_points", "rounds": 1}})"),
      {1, 2, {1, 24, 32}});
  forward(*model, Mode::Infer, batch);
  EXPECT_EQ(rows_of(script().asked[1].points.select(1, 1)), (std::vector<std::vector<double>>{{3, 19}}));
}

TEST(ClickRounds, EndWhereThereIsNothingToClickOn) {
  Script made;
  made.masks = {torch::zeros({0, 1, 12, 16})};
  const Prediction prediction = play(R"(, "rounds": 3)", made, {}, torch::zeros_like(plank()));
  EXPECT_TRUE(prediction.rounds.empty());
  EXPECT_EQ(script().asked[0].points.sizes(), (std::vector<int64_t>{0, 1, 2}));
}

TEST(ClickRounds, NeedMasksOfEveryPrompt) {
  EXPECT_THAT(testing::message_of([] { play(R"(, "rounds": 1)", {}); }),
              HasSubstr("there are 0 masks for 1 prompts; set model.prompter.rounds to 0"));
}

// Through SAM's decoder: everything that encodes points and masks learns from the last round.
TEST(ClickRounds, TrainSamsPromptEncoder) {
  const auto model = testing::prompted_model(R"({"type": "label_points", "rounds": 2})", plank(), 2);
  testing::redraw(*model);
  const Prediction prediction = forward(*model, Mode::Train, labelled(plank()));
  ASSERT_EQ(prediction.rounds.size(), 2);
  prediction.outputs.primary().low_res.pow(2).sum().backward();
  for (const auto& item : model->decoder().named_parameters()) {
    if (!item.key().starts_with("prompt_encoder.mask_downscaling.")) continue;
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
  EXPECT_FALSE(torch::equal(prediction.rounds[0].primary().low_res, prediction.outputs.primary().low_res));
}

TEST(LargestMistake, PrefersWhatIsMissedAmongEquals) {
  torch::Tensor truth = torch::zeros({4, 8}, torch::kBool), predicted = truth.clone();
  truth[1].slice(0, 0, 3).fill_(true);
  predicted[3].slice(0, 5, 8).fill_(true);
  const torch::Tensor everywhere = torch::ones_like(truth);
  auto mistake = label_points::largest_mistake(truth, predicted, everywhere);
  ASSERT_TRUE(mistake);
  EXPECT_TRUE(mistake->missed);
  EXPECT_TRUE(torch::equal(mistake->mask, truth));
  predicted[2][4] = true;  // touches at a corner
  mistake = label_points::largest_mistake(truth, predicted, everywhere);
  EXPECT_FALSE(mistake->missed);
  EXPECT_TRUE(torch::equal(mistake->mask, predicted));
  EXPECT_FALSE(label_points::largest_mistake(truth, truth, everywhere));
}

}  // namespace
}  // namespace lamina
