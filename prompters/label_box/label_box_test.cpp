// Boxes around what labels show.
#include "label_box.hpp"

#include "label_prompts.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;
using testing::integers_of;
using testing::labelled;
using testing::prompted_model;
using testing::prompts_for;
using testing::rows_of;
using Rows = std::vector<std::vector<double>>;

constexpr const char* kPlain = R"({"type": "label_box"})";

std::string with(const std::string& options) { return R"({"type": "label_box", )" + options + "}"; }

// Two cases of two slices of 24 x 32 pixels. Slice 0: class 1 in two parts, class 3 as one pixel in the lower right
// corner. Slice 1 is empty. Slice 2: class 2 from border to border. Slice 3: class 1.
torch::Tensor label_slices() {
  torch::Tensor labels = torch::zeros({2, 1, 2, 24, 32}, torch::kInt64);
  const torch::Tensor first = labels[0][0][0];
  first.slice(0, 2, 5).slice(1, 4, 8).fill_(1);
  first.slice(0, 10, 12).slice(1, 20, 21).fill_(1);
  first[23][31] = 3;
  labels[1][0][0].slice(0, 7, 9).fill_(2);
  labels[1][0][1].slice(0, 12, 20).slice(1, 10, 20).fill_(1);
  return labels;
}

TEST(LabelBox, IsMadeByNameAndSaysThatItUsesTheTruth) {
  const auto prompter = testing::registry().create<Prompter>(testing::json(kPlain), "model.prompter", {});
  EXPECT_EQ(prompter->produces().kinds, PromptKinds{PromptKind::Boxes});
  EXPECT_EQ(prompter->produces().queries, 0);
  EXPECT_EQ(prompter->uses_labels(), LabelUse::Oracle);
  EXPECT_EQ(prompted_model(kPlain, label_slices())->uses_labels(), LabelUse::Oracle);
  EXPECT_TRUE(prompter->parameters().empty());
}

TEST(LabelBox, GoesFromTheFirstToTheLastPixelOfEachClass) {
  const Prompts prompts = prompts_for(kPlain, label_slices());
  EXPECT_EQ(rows_of(prompts.boxes), (Rows{{4, 2, 20, 11}, {31, 23, 31, 23}, {0, 7, 31, 8}, {10, 12, 19, 19}}));
  EXPECT_EQ(integers_of(prompts.image_index), (std::vector<int64_t>{0, 0, 2, 3}));
  EXPECT_EQ(integers_of(prompts.class_id), (std::vector<int64_t>{1, 3, 2, 1}));
  EXPECT_FALSE(prompts.points.defined());
}

TEST(LabelBox, TakesTheClassesThatAreAskedFor) {
  const Prompts prompts = prompts_for(with(R"("classes": [2, 3])"), label_slices());
  EXPECT_EQ(rows_of(prompts.boxes), (Rows{{31, 23, 31, 23}, {0, 7, 31, 8}}));
}

TEST(LabelBox, TakesComponentsOrInstancesApart) {
  EXPECT_EQ(rows_of(prompts_for(with(R"("per": "instance", "classes": [1])"), label_slices()).boxes),
            (Rows{{4, 2, 7, 4}, {20, 10, 20, 11}, {10, 12, 19, 19}}));
  // Two instances that touch, in slice 3.
  Batch batch = labelled(label_slices());
  torch::Tensor instances = torch::zeros_like(label_slices());
  instances[1][0][1].slice(1, 0, 15).fill_(1);
  instances[1][0][1].slice(1, 15, 32).fill_(2);
  batch.instances.set(kPrimaryStream, instances);
  const auto model = prompted_model(with(R"("per": "instance", "classes": [1])"), label_slices());
  EXPECT_EQ(rows_of(prompts_for(*model, batch).boxes), (Rows{{10, 12, 14, 19}, {15, 12, 19, 19}}));
}

TEST(LabelBox, LeavesSmallStructuresOut) {
  EXPECT_EQ(integers_of(prompts_for(with(R"("min_area": 2)"), label_slices()).class_id),
            (std::vector<int64_t>{1, 2, 1}));
  EXPECT_EQ(rows_of(prompts_for(with(R"("min_area": 3, "per": "instance", "classes": [1])"), label_slices()).boxes),
            (Rows{{4, 2, 7, 4}, {10, 12, 19, 19}}));
}

TEST(LabelBox, WidensBoxesUpToTheBorder) {
  EXPECT_EQ(rows_of(prompts_for(with(R"("margin": 3.5)"), label_slices()).boxes),
            (Rows{{0.5, 0, 23.5, 14.5}, {27.5, 19.5, 31, 23}, {0, 3.5, 31, 11.5}, {6.5, 8.5, 22.5, 22.5}}));
}

TEST(LabelBox, ShiftsSidesWithinTheReachAndInsideTheImage) {
  const torch::Tensor labels = label_slices(), tight = prompts_for(kPlain, labels).boxes;
  const auto pixels = prompted_model(with(R"("jitter": 3)"), labels);
  const auto share = prompted_model(with(R"("jitter": 0.25, "jitter_unit": "side")"), labels);
  double largest = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const torch::Tensor moved = prompts_for(*pixels, labelled(labels), {Mode::Train, seed}).boxes;
    EXPECT_GE(moved.min().item<double>(), 0);
    EXPECT_LE(moved.select(1, 2).max().item<double>(), 31);
    EXPECT_LE(moved.select(1, 3).max().item<double>(), 23);
    EXPECT_TRUE(moved.slice(1, 2, 4).ge(moved.slice(1, 0, 2)).all().item<bool>());
    largest = std::max(largest, (moved - tight).abs().max().item<double>());
    const torch::Tensor reach = torch::tensor({2.5F, 2.0F, 2.5F, 2.0F});  // a quarter of 10 x 8
    const torch::Tensor shift = prompts_for(*share, labelled(labels), {Mode::Train, seed}).boxes[3] - tight[3];
    EXPECT_TRUE(shift.abs().le(reach).all().item<bool>());
  }
  EXPECT_LE(largest, 3);
  EXPECT_GT(largest, 2.5);
}

TEST(LabelBox, DrawsFromSeedEpochAndSample) {
  const torch::Tensor labels = label_slices();
  const auto model = prompted_model(with(R"("jitter": 3)"), labels);
  const auto boxes = [&](const testing::Draw& draw, int64_t sample = 0) {
    return prompts_for(*model, labelled(labels, sample), draw).boxes;
  };
  const torch::Tensor first = boxes({Mode::Train, 5, 2});
  EXPECT_TRUE(torch::equal(boxes({Mode::Train, 5, 2}), first));
  EXPECT_FALSE(torch::equal(boxes({Mode::Train, 6, 2}), first));
  EXPECT_FALSE(torch::equal(boxes({Mode::Train, 5, 3}), first));
  EXPECT_FALSE(torch::equal(boxes({Mode::Train, 5, 2}, 7), first));
  // The second case is sample 1 wherever it stands in a batch, whatever stands beside it.
  const torch::Tensor alone = prompts_for(*model, labelled(labels.slice(0, 1, 2), 1), {Mode::Train, 5, 2}).boxes;
  EXPECT_TRUE(torch::equal(alone, first.slice(0, 2, 4)));
}

TEST(LabelBox, IsExactAtPredictionUnlessToldOtherwise) {
  const torch::Tensor labels = label_slices(), tight = prompts_for(kPlain, labels).boxes;
  EXPECT_TRUE(torch::equal(prompts_for(with(R"("jitter": 3)"), labels).boxes, tight));
  const torch::Tensor shifted = prompts_for(with(R"("jitter": 3, "jitter_at_prediction": true)"), labels).boxes;
  EXPECT_FALSE(torch::equal(shifted, tight));
  EXPECT_TRUE(torch::equal(prompts_for(with(R"("jitter": 3, "jitter_at_prediction": true)"), labels).boxes, shifted));
}

TEST(LabelBox, WorksWhereNothingIsShown) {
  const torch::Tensor nothing = torch::zeros({1, 1, 2, 24, 32}, torch::kInt64);
  const auto model = prompted_model(kPlain, nothing);
  EXPECT_EQ(prompts_for(*model, labelled(nothing)).boxes.sizes(), (std::vector<int64_t>{0, 4}));
  const Output output = forward(*model, Mode::Train, labelled(nothing)).outputs.primary();
  EXPECT_EQ(output.classes.argmax(1).abs().sum().item<int64_t>(), 0);
  output.classes.sum().backward();
}

TEST(LabelBox, GivesTheDecoderAMaskPerStructure) {
  const auto model = prompted_model(kPlain, label_slices());
  testing::redraw(*model);
  const Output output = forward(*model, Mode::Train, labelled(label_slices())).outputs.primary();
  EXPECT_EQ(output.low_res.sizes(), (std::vector<int64_t>{4, 1, 12, 16}));
  EXPECT_EQ(output.classes[0][2].max().item<double>(), -20);  // case 0 shows no class 2
  EXPECT_GT(output.classes[1][2][0].min().item<double>(), -20);
  output.classes.sum().backward();
  EXPECT_GT(
      model->named_parameters()["decoder.prompt_encoder.point_embeddings.2.weight"].grad().abs().max().item<double>(),
      0);
}

TEST(LabelBox, RefusesWhatCannotWork) {
  const auto refusal = [](const std::string& options) {
    return testing::message_of([&] { prompted_model(with(options), label_slices()); });
  };
  EXPECT_THAT(refusal(R"("classes": [4])"), HasSubstr("got 4, expected class numbers from 1 to 3"));
  EXPECT_THAT(refusal(R"("jitter": 20, "jitter_unit": "side")"), HasSubstr("expected a share of a side"));
  EXPECT_THAT(refusal(R"("jitter_at_prediction": true)"), HasSubstr("no meaning while jitter is 0"));
  EXPECT_THAT(refusal(R"("per": "slice")"), HasSubstr("per"));
  Batch batch = labelled(label_slices());
  batch.labels = {};
  EXPECT_THAT(testing::message_of([&] { prompts_for(*prompted_model(kPlain, label_slices()), batch); }),
              HasSubstr("makes its prompts from the label, but there is none (case_0, case_1)"));
}

}  // namespace
}  // namespace lamina
