// SAM's mask decoder against PyPI segment-anything (tests/parity/make_sam_decoder.py), and how its masks become
// classes.
#include "sam_mask.hpp"

#include "decoder_test.hpp"

namespace lamina {
namespace {

using testing::decode_features;
using testing::decoder_model;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::normal;
using testing::sam_golden;

constexpr const char* kGoldenDecoder = R"("decoder": {"type": "sam_mask", "heads": 3, "mlp_channels": 40})";
const char* const kRagged = R"("prompter": {"type": "handed", "kinds": ["points", "boxes", "masks"]}, )";

Batch batch_with(const Prompts& prompts, int64_t depth = 2) {
  Batch batch = testing::noise_batch(1, 1, {depth, 24, 32}, 2);
  batch.prompts.set(kPrimaryStream, prompts);
  return batch;
}

std::shared_ptr<Model> golden_model(const std::string& prompter) {
  auto model = decoder_model(prompter + kGoldenDecoder, {1, 2, {2, 24, 32}});
  load_state_strictly(model->decoder(), testing::with_prefix(sam_golden(), "weights."), "the golden file");
  return model;
}

class SamMaskParity : public ::testing::TestWithParam<const char*> {};

TEST_P(SamMaskParity, EqualsSegmentAnything) {
  const std::string name = GetParam();
  const bool all = name == "all";
  const auto& golden = sam_golden();
  Prompts prompts;
  prompts.image_index = golden.at("image_index");
  if (all || name.find("points") != std::string::npos) {
    prompts.points = golden.at("points");
    prompts.point_labels = golden.at("point_labels");
  }
  if (all || name.find("boxes") != std::string::npos) prompts.boxes = golden.at("boxes");
  if (all || name == "masks") prompts.mask_logits = golden.at("mask_logits");
  const torch::NoGradGuard no_grad;
  const auto model = golden_model(kRagged);
  for (const bool several : {false, true}) {
    prompts.multimask = several;
    const Output output = decode_features(*model, Mode::Infer, golden.at("image"), batch_with(prompts));
    const std::string words = name + (several ? ".several" : ".single");
    EXPECT_LE(largest_difference(output.low_res, golden.at(words + ".masks")), 1e-5);
    EXPECT_LE(largest_difference(output.quality, golden.at(words + ".quality")), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Prompts, SamMaskParity, ::testing::Values("points", "boxes", "masks", "points_boxes", "all"),
                         [](const auto& info) { return std::string(info.param); });

TEST(SamMask, EqualsSegmentAnythingWithoutPrompts) {
  const torch::NoGradGuard no_grad;
  const Output output = decode_features(*golden_model(""), Mode::Infer, sam_golden().at("image"),
                                        testing::noise_batch(1, 1, {2, 24, 32}, 2));
  EXPECT_LE(largest_difference(output.low_res, sam_golden().at("none.single.masks")), 1e-5);
  EXPECT_LE(largest_difference(output.quality, sam_golden().at("none.single.quality")), 1e-5);
  EXPECT_TRUE(torch::equal(output.image_index, torch::tensor({0, 1})));
}

// One class: its logit is the mask's, resized to the patch, and the background's is SAM's threshold.
TEST(SamMask, MakesTheMaskTheOnlyClassLogit) {
  const torch::NoGradGuard no_grad;
  const Output output = decode_features(*golden_model(""), Mode::Infer, sam_golden().at("image"),
                                        testing::noise_batch(1, 1, {2, 24, 32}, 2));
  const torch::Tensor masks = torch::upsample_bilinear2d(output.low_res, {24, 32}, false);  // [D, 1, H, W]
  EXPECT_EQ(output.scale, Scale::Logits);
  EXPECT_TRUE(torch::equal(output.classes[0][1], masks.squeeze(1)));
  EXPECT_EQ(output.classes[0][0].abs().max().item<double>(), 0);
}

// The strongest mask of a class counts in its slice; a class without a prompt there is as good as impossible.
TEST(SamMask, PutsTheMasksOfEachClassTogether) {
  const torch::NoGradGuard no_grad;
  const auto model = decoder_model(std::string(kRagged) + kGoldenDecoder, {1, 4, {2, 24, 32}});
  testing::redraw(*model, 3);
  Prompts prompts;
  prompts.image_index = sam_golden().at("image_index");  // 0, 0, 1, 1, 1
  prompts.boxes = sam_golden().at("boxes");
  prompts.class_id = torch::tensor({2, 2, 1, -1, 3});
  const Output output = decode_features(*model, Mode::Infer, sam_golden().at("image"), batch_with(prompts));
  const torch::Tensor masks = torch::upsample_bilinear2d(output.low_res, {24, 32}, false).squeeze(1);
  const torch::Tensor classes = output.classes[0];  // [K, D, H, W]
  EXPECT_TRUE(torch::equal(classes[2][0], torch::maximum(masks[0], masks[1])));
  EXPECT_TRUE(torch::equal(classes[1][1], masks[2]));
  EXPECT_TRUE(torch::equal(classes[3][1], masks[4]));
  for (const torch::Tensor& absent : {classes[1][0], classes[3][0], classes[2][1]})
    EXPECT_TRUE(torch::equal(absent, torch::full_like(absent, -20)));
  EXPECT_EQ(classes[0].abs().max().item<double>(), 0);
}

TEST(SamMask, ChoosesTheMaskOfTheBestPredictedQuality) {
  const torch::NoGradGuard no_grad;
  const auto model = golden_model(kRagged);
  Prompts prompts;
  prompts.image_index = torch::tensor({1});
  prompts.boxes = sam_golden().at("boxes").slice(0, 0, 1);
  prompts.multimask = true;
  const Output output = decode_features(*model, Mode::Infer, sam_golden().at("image"), batch_with(prompts));
  EXPECT_EQ(output.low_res.size(1), 3);
  const torch::Tensor masks = torch::upsample_bilinear2d(output.low_res, {24, 32}, false)[0];
  EXPECT_TRUE(torch::equal(output.classes[0][1][1], masks[output.quality[0].argmax().item<int64_t>()]));
}

TEST(SamMask, LeavesSlicesWithoutAPromptToTheBackground) {
  const auto model = golden_model(kRagged);
  Prompts prompts;
  prompts.image_index = torch::zeros({0}, torch::kInt64);
  prompts.boxes = torch::zeros({0, 4});
  const Output output = decode_features(*model, Mode::Train, sam_golden().at("image"), batch_with(prompts));
  EXPECT_EQ(output.low_res.size(0), 0);
  EXPECT_EQ(output.classes.sizes(), (std::vector<int64_t>{1, 2, 2, 24, 32}));
  EXPECT_TRUE(torch::equal(output.classes.argmax(1), torch::zeros({1, 2, 24, 32}, torch::kInt64)));
  output.classes.sum().backward();  // a batch without prompts trains nothing, but is no error
}

TEST(SamMask, MakesOneMaskPerClassFromTokensOfTheirOwn) {
  for (const int64_t upscale : {4, 16}) {
    const auto model = decoder_model(
        text(R"("decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 3, "upscale_channels": )",
             upscale == 4 ? "[6, 3]" : "[12, 6, 4, 3]", R"(, "upscale": )", upscale, "}"),
        {1, 5, {2, 24, 32}});
    const Output output = forward(*model, Mode::Infer, testing::noise_batch(3, 1, {2, 24, 32}, 5)).outputs.primary();
    EXPECT_EQ(output.classes.sizes(), (std::vector<int64_t>{3, 5, 2, 24, 32}));
    EXPECT_EQ(output.low_res.sizes(), (std::vector<int64_t>{6, 5, 3 * upscale, 4 * upscale}));
    EXPECT_EQ(output.quality.sizes(), (std::vector<int64_t>{6, 5}));
    EXPECT_EQ(output.scale, Scale::Logits);
    EXPECT_GT(output.classes.std().item<double>(), 0);
  }
}

TEST(SamMask, NamesTheUpscalingAsMaSamDoes) {
  const auto model = Model::build(
      testing::decoder_registry(),
      testing::json(
          R"({"encoder": {"type": "cells", "channels": 32}, "decoder": {"type": "sam_mask", "upscale": 16}})"),
      {1, 2, {1, 64, 64}});
  const auto sizes = [&](const std::string& name) {
    return state_of(model->decoder()).at("output_upscaling." + name).sizes().vec();
  };
  EXPECT_EQ(sizes("0.weight"), (std::vector<int64_t>{32, 8, 2, 2}));
  EXPECT_EQ(sizes("1.weight"), (std::vector<int64_t>{8}));
  EXPECT_EQ(sizes("3.weight"), (std::vector<int64_t>{8, 4, 2, 2}));
  EXPECT_EQ(sizes("7.bias"), (std::vector<int64_t>{2}));
  EXPECT_EQ(sizes("9.weight"), (std::vector<int64_t>{2, 1, 2, 2}));
}

// With an embedding of 256 channels the decoder is SAM's: the counts of the method sheet.
TEST(SamMask, HasAsManyParametersAsSam) {
  const auto model = Model::build(
      testing::decoder_registry(),
      testing::json(
          R"({"encoder": {"type": "cells", "channels": 256, "cell": 16}, "prompter": {"type": "handed"}, "decoder": "sam_mask"})"),
      {1, 2, {1, 64, 64}});
  int64_t prompt_encoder = 0, rest = 0;
  for (const auto& [name, tensor] : state_of(model->decoder()))
    (name.starts_with("prompt_encoder.") ? prompt_encoder : rest) += tensor.numel();
  EXPECT_EQ(prompt_encoder, 6476);
  EXPECT_EQ(rest, 4058340);
  EXPECT_EQ(state_of(model->decoder()).size(), 137);
}

TEST(SamMask, GradientsReachWhatIsUsed) {
  const auto model =
      decoder_model(R"("decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 3, "mlp_channels": 40})",
                    {1, 3, {2, 24, 32}});
  testing::redraw(*model);
  const Output output = forward(*model, Mode::Train, testing::noise_batch(2, 1, {2, 24, 32}, 3)).outputs.primary();
  const torch::Tensor loss =
      (output.classes * normal(output.classes.sizes().vec(), 3)).sum() + output.quality.pow(2).sum();
  testing::expect_gradients(*model, loss,
                            {"decoder.prompt_encoder.{point_embeddings,not_a_point_embed,mask_downscaling}.**"});
}

TEST(SamMask, ComputesTheSameAfterSavingAndLoading) {
  const Batch batch = testing::noise_batch(1, 1, {2, 24, 32}, 3);
  testing::expect_reload_equal<Model>(
      [] {
        return decoder_model(R"("decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 3})",
                             {1, 3, {2, 24, 32}});
      },
      [&](Model& model) { return forward(model, Mode::Infer, batch).outputs.primary().classes.detach(); });
}

std::string refusal(const std::string& rest, int64_t classes = 2) {
  return testing::message_of([&] { decoder_model(rest, {1, classes, {1, 24, 32}}); });
}

TEST(SamMask, RefusesWhatCannotWork) {
  EXPECT_THAT(refusal(R"("decoder": {"type": "sam_mask", "heads": 3})", 4), HasSubstr("set mask_tokens to per_class"));
  EXPECT_THAT(refusal(R"("decoder": {"type": "sam_mask", "upscale": 8})"), HasSubstr("got 8, expected 4 or 16"));
  EXPECT_THAT(refusal(R"("decoder": {"type": "sam_mask", "upscale": 16, "upscale_channels": [4, 4]})"),
              HasSubstr("has 2 entries; expected 4"));
  EXPECT_THAT(refusal(R"("decoder": {"type": "sam_mask", "upscale": 16, "heads": 3})"),
              HasSubstr("24 channels are too few to be halved with each of the 4 doublings"));
  EXPECT_THAT(refusal(R"("decoder": "sam_mask")"), HasSubstr("24 channels cannot be shared by 8 heads"));
  EXPECT_THAT(
      refusal(
          R"("decoder": {"type": "sam_mask", "heads": 3, "mask_tokens": "per_class"}, "prompter": {"type": "handed", "queries": 2})"),
      HasSubstr("the prompter makes 2 prompts per slice"));
  EXPECT_THAT(
      refusal(
          R"("decoder": {"type": "sam_mask", "heads": 3, "mask_tokens": "per_class"}, "prompter": {"type": "handed", "kinds": ["boxes"]})"),
      HasSubstr("a number of prompts that differs from slice to slice; expected one prompt per slice"));
  EXPECT_THAT(
      refusal(R"("decoder": {"type": "sam_mask", "heads": 3}, "prompter": {"type": "handed", "kinds": ["guidance"]})"),
      HasSubstr("does not take the guidance"));
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(R"({"encoder": "unet_encoder", "decoder": "sam_mask"})", {1, 2, {16, 16, 16}});
              }),
              HasSubstr("'sam_mask' needs the feature embedding"));
}

TEST(SamMask, RefusesAClassThatIsNoneOfTheModels) {
  const auto model = golden_model(kRagged);
  Prompts prompts;
  prompts.image_index = torch::tensor({0, 1});
  prompts.boxes = sam_golden().at("boxes").slice(0, 0, 2);
  prompts.class_id = torch::tensor({1, 2});
  EXPECT_THAT(
      testing::message_of([&] { decode_features(*model, Mode::Infer, sam_golden().at("image"), batch_with(prompts)); }),
      HasSubstr("class_id of the prompts must be a label from 1 to 1"));
}

TEST(SamMask, RefusesPromptsThatDisagree) {
  const auto model = golden_model(kRagged);
  Prompts prompts;
  prompts.boxes = sam_golden().at("boxes");
  const auto message = [&] {
    return testing::message_of(
        [&] { decode_features(*model, Mode::Infer, sam_golden().at("image"), batch_with(prompts)); });
  };
  EXPECT_THAT(message(), HasSubstr("none says to which of the 2 slices it belongs"));
  prompts.image_index = torch::tensor({0, 1});
  EXPECT_THAT(message(), HasSubstr("tokens of points and boxes: got the shape [5, 2, 24], expected [2, *, 24]"));
}

}  // namespace
}  // namespace lamina
