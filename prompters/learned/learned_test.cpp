// Prompts that are parameters.
#include "learned.hpp"
#include "fake_vit.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;
using testing::prompt;

const ModelSetup kSetup{1, 3, {3, 32, 64}};
constexpr const char* kEverything = R"(, "queries": 4, "tokens": 2, "class_tokens": true)";

std::shared_ptr<Model> build(const std::string& options = kEverything) {
  return testing::prompter_model("learned", options, "", kSetup);
}

TEST(Learned, GivesEverySliceTheSameQueries) {
  const auto model = build();
  const Prompts prompts = prompt(*model, testing::noise_features(*model, 2), 2).prompts;
  const auto parameters = model->named_parameters();
  ASSERT_EQ(prompts.image_index.numel(), 2 * 3 * 4);
  EXPECT_EQ(prompts.sparse.sizes(), (std::vector<int64_t>{24, 2, 16}));
  EXPECT_EQ(prompts.class_tokens.sizes(), (std::vector<int64_t>{24, 1, 16}));
  for (const int64_t row : {0, 5, 23}) {
    EXPECT_EQ(prompts.image_index[row].item<int64_t>(), row / 4);
    EXPECT_TRUE(torch::equal(prompts.sparse[row], parameters["prompter.sparse"][row % 4]));
    EXPECT_TRUE(torch::equal(prompts.boxes[row], prompts.boxes[row % 4]));
  }
}

TEST(Learned, HasBoxesInsideThePatchWhateverTheNumbers) {
  const auto model = build();
  torch::NoGradGuard no_grad;
  torch::Tensor raw = model->named_parameters()["prompter.boxes"];
  raw.copy_(testing::normal({4, 4}) * 10);
  const torch::Tensor boxes = prompt(*model, testing::noise_features(*model, 1), 1).prompts.boxes;
  EXPECT_GE(boxes.min().item<double>(), 0);
  EXPECT_LE(boxes.select(1, 2).max().item<double>(), 64);
  EXPECT_LE(boxes.select(1, 3).max().item<double>(), 32);
  EXPECT_GE((boxes.narrow(1, 2, 2) - boxes.narrow(1, 0, 2)).min().item<double>(), 0);
  const torch::Tensor f = raw.sigmoid()[1];
  const torch::Tensor expected =
      torch::stack({f[0] * 64, f[1] * 32, (f[0] + (1 - f[0]) * f[2]) * 64, (f[1] + (1 - f[1]) * f[3]) * 32});
  EXPECT_LE(testing::largest_difference(boxes[1], expected), 1e-4);
}

TEST(Learned, PromisesWhatItMakes) {
  EXPECT_EQ(build()->prompter().produces().kinds,
            (PromptKinds{PromptKind::Boxes, PromptKind::Sparse, PromptKind::ClassTokens}));
  const PromptSpec boxes = build(R"(, "queries": 3)")->prompter().produces();
  EXPECT_EQ(boxes.kinds, PromptKinds{PromptKind::Boxes});
  EXPECT_EQ(boxes.queries, 3);
  const auto tokens = build(R"(, "boxes": false, "tokens": 1)");
  EXPECT_EQ(tokens->prompter().produces().kinds, PromptKinds{PromptKind::Sparse});
  EXPECT_FALSE(prompt(*tokens, testing::noise_features(*tokens, 1), 1).prompts.boxes.defined());
}

TEST(Learned, GradientsReachEveryParameter) {
  const auto model = build();
  testing::redraw(*model);
  const Prompts prompts = prompt(*model, testing::noise_features(*model, 1), 1).prompts;
  testing::expect_gradients(
      *model, prompts.boxes.pow(2).mean() + prompts.sparse.pow(2).mean() + prompts.class_tokens.pow(2).mean());
}

TEST(Learned, ComputesTheSameAfterSavingAndLoading) {
  testing::expect_reload_equal<Model>([] { return build(); },
                                      [](Model& model) {
                                        torch::NoGradGuard no_grad;
                                        return prompt(model, testing::noise_features(model, 1), 1).prompts.boxes;
                                      });
}

TEST(Learned, RefusesToLearnNothingAndTokensOfUnknownWidth) {
  EXPECT_THAT(testing::message_of([] { build(R"(, "boxes": false)"); }), HasSubstr("nothing is left to learn"));
  EXPECT_THAT(testing::message_of([] { build(R"(, "queries": 0)"); }), HasSubstr("queries"));
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(
                    R"({"encoder": "unet_encoder", "prompter": {"type": "learned", "tokens": 1}, "decoder": "unet"})",
                    {1, 2, {4, 32, 32}});
              }),
              HasSubstr("'learned' with tokens needs the feature embedding"));
}

}  // namespace
}  // namespace lamina
