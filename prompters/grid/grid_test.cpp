// A regular grid of points.
#include "grid.hpp"

#include "label_prompts.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;
using testing::integers_of;
using testing::prompts_for;
using testing::rows_of;

const torch::Tensor kNothing = torch::zeros({2, 1, 2, 24, 32}, torch::kInt64);

std::string grid_of(const std::string& options) { return R"({"type": "grid")" + options + "}"; }

TEST(Grid, IsMadeByNameAndPromisesItsQueries) {
  const auto prompter =
      testing::registry().create<Prompter>(testing::json(grid_of(R"(, "points": 3)")), "model.prompter", {});
  EXPECT_EQ(prompter->produces().kinds, PromptKinds{PromptKind::Points});
  EXPECT_EQ(prompter->produces().queries, 9);
  EXPECT_EQ(prompter->uses_labels(), LabelUse::Never);
  EXPECT_TRUE(prompter->parameters().empty());
}

TEST(Grid, HasOnePointInTheMiddleOfEachField) {
  const Prompts prompts = prompts_for(grid_of(R"(, "points": 2)"), kNothing);
  EXPECT_EQ(prompts.points.sizes(), (std::vector<int64_t>{16, 1, 2}));
  const std::vector<std::vector<double>> slice{{8, 6}, {24, 6}, {8, 18}, {24, 18}};
  for (int64_t first = 0; first < 16; first += 4) EXPECT_EQ(rows_of(prompts.points.slice(0, first, first + 4)), slice);
  EXPECT_EQ(integers_of(prompts.image_index), (std::vector<int64_t>{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}));
  EXPECT_EQ(integers_of(prompts.point_labels), std::vector<int64_t>(16, 1));
  EXPECT_EQ(integers_of(prompts.class_id), std::vector<int64_t>(16, -1));
  EXPECT_TRUE(prompts.multimask);
}

TEST(Grid, AsksForAClassWhereItIsTold) {
  const Prompts prompts = prompts_for(grid_of(R"(, "points": 1, "class": 3, "multimask": false)"), kNothing);
  EXPECT_EQ(integers_of(prompts.class_id), std::vector<int64_t>(4, 3));
  EXPECT_EQ(rows_of(prompts.points)[3], (std::vector<double>{16, 12}));
  EXPECT_FALSE(prompts.multimask);
}

TEST(Grid, GivesTheDecoderAMaskForEveryPoint) {
  const auto model = testing::prompted_model(grid_of(R"(, "points": 2)"), kNothing);
  testing::redraw(*model);
  const Output output = forward(*model, Mode::Train, testing::labelled(kNothing)).outputs.primary();
  EXPECT_EQ(output.low_res.sizes(), (std::vector<int64_t>{16, 3, 12, 16}));
  output.low_res.pow(2).sum().backward();
  EXPECT_GT(
      model->named_parameters()["decoder.prompt_encoder.point_embeddings.1.weight"].grad().abs().max().item<double>(),
      0);
}

TEST(Grid, RefusesWhatCannotWork) {
  const auto refusal = [](const std::string& options) {
    return testing::message_of([&] { prompts_for(grid_of(options), kNothing); });
  };
  EXPECT_THAT(refusal(R"(, "class": 4)"),
              HasSubstr("model.prompter.class: got 4, expected a class number from 1 to 3"));
  EXPECT_THAT(refusal(R"(, "points": 0)"), HasSubstr("points"));
}

}  // namespace
}  // namespace lamina
