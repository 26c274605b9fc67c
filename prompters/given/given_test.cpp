// The prompter that hands on the user's own prompts.
#include "given.hpp"

#include "decoder_test.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;

Prompts two_boxes() {
  Prompts prompts;
  prompts.image_index = torch::tensor({0, 2});
  prompts.boxes = torch::tensor({{1.0F, 2.0F, 9.0F, 11.0F}, {3.0F, 3.0F, 3.0F, 3.0F}});
  prompts.class_id = torch::tensor({1, -1});
  return prompts;
}

// A patch of three slices of 24 x 32 pixels, an embedding of 3 x 4 cells, three classes.
Prompts hand_on(const std::string& options, const Prompts& prompts, int64_t depth = 3) {
  const auto model = testing::decoder_model(
      R"("decoder": {"type": "sam_mask", "heads": 3}, "prompter": {"type": "given")" + options + "}",
      {1, 3, {depth, 24, 32}});
  Batch batch = testing::noise_batch(1, 1, {depth, 24, 32}, 3);
  batch.prompts.set(kPrimaryStream, prompts);
  Session session(*model, Mode::Infer);
  session.encode(std::move(batch));
  return session.prompt().primary();
}

std::string refusal(const Prompts& prompts, const std::string& options = "") {
  return testing::message_of([&] { hand_on(options, prompts); });
}

TEST(Given, IsMadeByNameAndSaysWhatMayCome) {
  const auto prompter = testing::registry().create<Prompter>(
      testing::json(R"({"type": "given", "kinds": ["boxes"], "queries": 4})"), "model.prompter", {});
  EXPECT_EQ(prompter->produces().kinds, PromptKinds{PromptKind::Boxes});
  EXPECT_EQ(prompter->produces().queries, 4);
  EXPECT_EQ(prompter->uses_labels(), LabelUse::Never);
  EXPECT_TRUE(prompter->parameters().empty());
}

TEST(Given, HandsThePromptsOn) {
  const Prompts prompts = hand_on("", two_boxes());
  EXPECT_TRUE(torch::equal(prompts.boxes, two_boxes().boxes));
  EXPECT_TRUE(torch::equal(prompts.image_index, torch::tensor({0, 2})));
  EXPECT_TRUE(torch::equal(prompts.class_id, torch::tensor({1, -1})));
  EXPECT_FALSE(prompts.multimask);
  EXPECT_TRUE(hand_on(R"(, "multimask": true)", two_boxes()).multimask);
}

TEST(Given, KnowsTheSliceOfRegularPromptsAndOfASingleImage) {
  Prompts prompts = two_boxes();
  prompts.image_index = torch::Tensor();
  EXPECT_TRUE(torch::equal(hand_on("", prompts, 1).image_index, torch::tensor({0, 0})));
  EXPECT_TRUE(torch::equal(hand_on(R"(, "queries": 1)", prompts, 2).image_index, torch::tensor({0, 1})));
  EXPECT_THAT(refusal(prompts), HasSubstr("none says to which of the 3 slices it belongs"));
}

TEST(Given, RefusesSlicesThatAreNotThere) {
  Prompts prompts = two_boxes();
  prompts.image_index = torch::tensor({0, 3});
  EXPECT_THAT(refusal(prompts), HasSubstr("given image_index goes from 0 to 3; expected slices from 0 to 2"));
  prompts.image_index = torch::tensor({2, 0});
  EXPECT_THAT(refusal(prompts), HasSubstr("ascending"));
  prompts.image_index = torch::tensor({0, 1, 2});
  EXPECT_THAT(refusal(prompts), HasSubstr("given boxes (x1, y1, x2, y2): got the shape [2, 4], expected [3, 4]"));
}

TEST(Given, RefusesAnotherOrderThanQueriesPromises) {
  Prompts prompts = two_boxes();
  prompts.image_index = torch::tensor({0, 0, 2});
  prompts.class_id = torch::Tensor();
  prompts.boxes = torch::zeros({3, 4});
  EXPECT_THAT(refusal(prompts, R"(, "queries": 1)"), HasSubstr("expected every slice 1 times in order"));
  EXPECT_THAT(refusal(two_boxes(), R"(, "queries": 1)"),
              HasSubstr("there are 2 prompts; expected 1 on each of the 3 slices"));
}

TEST(Given, RefusesBoxesThatAreTurnedOrNoNumbers) {
  Prompts prompts = two_boxes();
  prompts.boxes = prompts.boxes.flip({1});
  EXPECT_THAT(refusal(prompts), HasSubstr("x2 < x1 or y2 < y1"));
  prompts.boxes = torch::full({2, 4}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(refusal(prompts), HasSubstr("given boxes: some values are not finite"));
}

TEST(Given, RefusesPointsWithoutLabelsAndLabelsOutOfRange) {
  Prompts prompts = two_boxes();
  prompts.points = torch::zeros({2, 3, 2});
  EXPECT_THAT(refusal(prompts), HasSubstr("need both points"));
  prompts.point_labels = torch::zeros({2, 2}, torch::kInt64);
  EXPECT_THAT(refusal(prompts), HasSubstr("given point_labels: got the shape [2, 2], expected [2, 3]"));
  prompts.point_labels = torch::full({2, 3}, 2, torch::kInt64);
  EXPECT_THAT(refusal(prompts), HasSubstr("expected 1 (object), 0 (background) or -1"));
}

TEST(Given, RefusesMasksOfAnotherSizeAndUnknownClasses) {
  Prompts prompts = two_boxes();
  prompts.mask_logits = torch::zeros({2, 1, 24, 32});
  EXPECT_THAT(refusal(prompts), HasSubstr("got the shape [2, 1, 24, 32], expected [2, 1, 12, 16]"));
  prompts.mask_logits = torch::Tensor();
  prompts.class_id = torch::tensor({1, 3});
  EXPECT_THAT(refusal(prompts), HasSubstr("given class_id: expected labels below 3"));
}

TEST(Given, RefusesKindsThatWereNotAnnouncedAndNoPromptsAtAll) {
  EXPECT_THAT(refusal(two_boxes(), R"(, "kinds": ["points"])"),
              HasSubstr("boxes are given, but model.prompter.kinds announces points"));
  EXPECT_THAT(refusal({}), HasSubstr("found no prompts"));
  EXPECT_THAT(refusal({}, R"(, "kinds": [])"), HasSubstr("the prompter 'none'"));
}

TEST(Given, HandsPromptsToTheDecoder) {
  const auto model = testing::decoder_model(R"("decoder": {"type": "sam_mask", "heads": 3}, "prompter": "given")",
                                            {1, 3, {3, 24, 32}});
  Batch batch = testing::noise_batch(1, 1, {3, 24, 32}, 3);
  batch.prompts.set(kPrimaryStream, two_boxes());
  const Output output = forward(*model, Mode::Infer, batch).outputs.primary();
  EXPECT_EQ(output.low_res.sizes(), (std::vector<int64_t>{2, 1, 12, 16}));
  EXPECT_GT(output.classes[0][1][0].max().item<double>(), -20);
  EXPECT_EQ(output.classes[0][1][2].max().item<double>(), -20);  // the second box has no class
}

}  // namespace
}  // namespace lamina
