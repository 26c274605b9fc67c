// What MaskSAM's prompt generator makes of its options and of the encoder's features when a model is built.
#include "fake_vit.hpp"
#include "taps.hpp"

namespace lamina {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::prompter_model;

constexpr const char* kSmall = R"(, "channels": 16, "taps": 4, "tap_channels": 12, "stride": 16)";

std::shared_ptr<Model> build(const std::string& options, const std::string& encoder = kSmall, int64_t classes = 3) {
  return prompter_model("masksam", options, encoder, {1, classes, {2, 32, 32}});
}

std::string refusal(const std::string& options, const std::string& encoder = kSmall) {
  return testing::message_of([&] { build(options, encoder); });
}

std::vector<int64_t> shape(Model& model, const std::string& name) {
  return model.named_parameters()["prompter." + name].sizes().vec();
}

TEST(MasksamBuild, NeedsTheEmbeddingAndTheTapsItUses) {
  EXPECT_THAT(build("")->prompter().needs(), ElementsAre("embedding", "tap.3", "tap.2", "tap.1", "tap.0"));
  EXPECT_THAT(build(R"(, "skips": "last_2")")->prompter().needs(), ElementsAre("embedding", "tap.3", "tap.2"));
  EXPECT_THAT(build(R"(, "skips": "none")")->prompter().needs(), ElementsAre("embedding"));
  EXPECT_THAT(build(R"(, "stages": 3)")->prompter().needs().size(), 5);  // two are merged at the finest stage
  EXPECT_THAT(build(R"(, "stages": 3, "extra_taps": "drop")")->prompter().needs(),
              ElementsAre("embedding", "tap.3", "tap.2"));
  EXPECT_THAT(build("", R"(, "taps": 2, "stride": 16)")->prompter().needs(),
              ElementsAre("embedding", "tap.1", "tap.0"));
}

TEST(MasksamBuild, MakesStagesUpToThePatchWithTheChannelsOfThePaper) {
  const auto model = build(R"(, "base_channels": 256)");
  for (const auto& [stage, channels] : {std::pair{0, 256}, {1, 128}, {2, 128}, {3, 64}, {4, 64}})
    EXPECT_EQ(shape(*model, text("image_decoder_stages.", stage, ".convs.0.conv.weight"))[0], channels);
  EXPECT_FALSE(model->named_parameters().contains("prompter.image_decoder_stages.5.convs.0.conv.weight"));
  EXPECT_EQ(shape(*build(""), "image_decoder_stages.0.convs.0.conv.weight")[0], 16);  // as many as the embedding
  EXPECT_THAT(shape(*build(R"(, "dimensions": 2)"), "image_decoder_stages.0.convs.0.conv.weight"),
              ElementsAre(16, 16, 1, 3, 3));
}

TEST(MasksamBuild, SharesTheLastSkipBranchAmongExtraTapsOrNot) {
  const auto branches = [](const std::string& options) {
    int64_t count = 0;
    const auto model = build(R"(, "stages": 3)" + options);
    const auto parameters = model->named_parameters();
    while (parameters.contains(text("prompter.image_decoder_skips.", count, ".0.weight"))) ++count;
    return count;
  };
  EXPECT_EQ(branches(""), 2);
  EXPECT_EQ(branches(R"(, "extra_taps": "separate")"), 4);
  EXPECT_EQ(branches(R"(, "extra_taps": "drop")"), 2);
}

TEST(MasksamBuild, ChoosesQueriesByTheNumberOfClasses) {
  for (const auto& [classes, queries] : {std::pair<int64_t, int64_t>{2, 8}, {4, 8}, {5, 16}, {9, 24}, {16, 32}})
    EXPECT_EQ(build("", kSmall, classes)->prompter().produces().queries, queries);
  EXPECT_EQ(build(R"(, "queries": 5)")->prompter().produces().queries, 5);
}

TEST(MasksamBuild, MakesTokensAsSquareAsTheWidthAllows) {
  const auto token = [](int64_t channels) {
    const auto model = build(R"(, "base_channels": 8)", text(R"(, "channels": )", channels));
    return testing::prompt(*model, testing::noise_features(*model, 1), 1).prompts.class_tokens.size(2);
  };
  for (const int64_t channels : {16, 12, 7}) EXPECT_EQ(token(channels), channels);
  EXPECT_THAT(refusal(R"(, "pool": [4, 5])"), HasSubstr("4 x 5 makes tokens of width 20, but the embedding has 16"));
  EXPECT_THAT(refusal(R"(, "pool": [16])"), HasSubstr("expected rows and columns"));
}

TEST(MasksamBuild, SaysWhetherItsClassTokensStandAlone) {
  const auto prompts = [](const char* token) {
    const auto model = build(text(R"(, "class_token": ")", token, '"'));
    return testing::prompt(*model, testing::noise_features(*model, 1), 1).prompts;
  };
  EXPECT_TRUE(prompts("sum").class_tokens.defined());
  EXPECT_FALSE(prompts("sum").class_tokens_alone);
  EXPECT_TRUE(prompts("aux").class_tokens_alone);
  EXPECT_FALSE(prompts("global").class_tokens.defined());
  EXPECT_EQ(prompts("none").class_tokens.abs().max().item<double>(), 0);
  EXPECT_TRUE(prompts("none").class_tokens_alone);
  EXPECT_FALSE(build(R"(, "class_token": "global")")->prompter().produces().kinds.contains(PromptKind::ClassTokens));
}

int64_t parameters_of(const std::string& options, const std::string& encoder, const ModelSetup& setup) {
  return testing::parameter_count(prompter_model("masksam", options, encoder, setup)->prompter());
}

// Generator 10,217,728, masks 1,560, boxes 15,432, tokens 414,792. The stem's 897 and the learned head's 116,184 make
// it 10,766,593: the released network's 10.8 million.
TEST(MasksamBuild, HasTheParametersOfTheAmosForm) {
  EXPECT_EQ(parameters_of(R"(, "queries": 24)", R"(, "channels": 256, "taps": 4, "tap_channels": 1280, "stride": 16)",
                          {1, 16, {9, 512, 512}}),
            10649512);
}

// Three stages and two more blocks behind one shared branch: 9,458,432, masks 1,032, boxes 6,168, tokens 165,912. The
// stem's 33,939 make it 9,665,483: the released network's 9.7 million.
TEST(MasksamBuild, HasTheParametersOfTheAcdcForm) {
  EXPECT_EQ(parameters_of(R"(, "queries": 8)", R"(, "channels": 256, "taps": 4, "tap_channels": 768, "stride": 4)",
                          {1, 4, {4, 256, 256}}),
            9631544);
}

TEST(MasksamBuild, ReadsTheWordsForSkips) {
  EXPECT_TRUE(masksam::read_skips("all")->all);
  EXPECT_EQ(masksam::read_skips("none")->count, 0);
  EXPECT_EQ(masksam::read_skips("last_12")->count, 12);
  for (const char* wrong : {"", "last_", "last_0", "last_-1", "last_2x", "first_1", "All"})
    EXPECT_FALSE(masksam::read_skips(wrong)) << wrong;
}

TEST(MasksamBuild, RefusesWhatTheEncoderLacks) {
  EXPECT_THAT(refusal(R"(, "skips": "last_5")"), HasSubstr("asks for 5 taps, but the encoder has 4"));
  EXPECT_THAT(refusal("", R"(, "taps": 0)"), HasSubstr("it offers embedding. Take none"));
  EXPECT_NE(build(R"(, "skips": "none")", R"(, "taps": 0)"), nullptr);
  EXPECT_THAT(refusal(R"(, "stages": 6)"), HasSubstr("leaves room for 5"));
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(R"({"encoder": "unet_encoder", "prompter": "masksam", "decoder": "unet"})",
                                     {1, 2, {4, 32, 32}});
              }),
              HasSubstr("'masksam' needs the feature embedding"));
}

TEST(MasksamBuild, RefusesOptionsThatContradictEachOther) {
  EXPECT_THAT(refusal(R"(, "skips": "deep")"), HasSubstr("expected all, none or last_<k>"));
  EXPECT_THAT(refusal(R"(, "box": "mask", "box_grad": "ste")"), HasSubstr("needs a regressed box"));
  EXPECT_THAT(refusal(R"(, "box": "none", "mask_prompt": "none", "class_token": "global")"),
              HasSubstr("all queries would be the same"));
  EXPECT_THAT(refusal(R"(, "channels": [8, 4], "stages": 3)"), HasSubstr("has 2 entries for 3 stages"));
  EXPECT_THAT(refusal(R"(, "dimensions": 4)"), HasSubstr("dimensions"));
  EXPECT_THAT(refusal(R"(, "mask_prompt": "sharp")"), HasSubstr("mask_prompt"));
}

}  // namespace
}  // namespace lamina
