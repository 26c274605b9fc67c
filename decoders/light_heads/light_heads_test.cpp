// The light heads against their formulas in numpy (tests/parity/make_light_heads.py), their sizes against Hu et al.'s
// code.
#include "cnn_head.hpp"
#include "linear_head.hpp"
#include "vit_head.hpp"

#include "decoder_test.hpp"

namespace lamina {
namespace {

using testing::decode_features;
using testing::decoder_registry;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::normal;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("light_heads");
  return tensors;
}

std::shared_ptr<Model> head_model(const std::string& decoder, const ModelSetup& setup = {1, 3, {2, 16, 24}},
                                  int64_t channels = 16, int64_t cell = 8) {
  return Model::build(decoder_registry(),
                      testing::json(text(R"({"encoder": {"type": "cells", "channels": )", channels, R"(, "cell": )",
                                         cell, R"(}, "decoder": )", decoder, "}")),
                      setup);
}

struct GoldenHead {
  const char *name, *decoder;
};

constexpr GoldenHead kGoldenHeads[] = {{"linear", R"({"type": "linear_head"})"},
                                       {"cnn2", R"({"type": "cnn_head", "depth": 2, "channels": 2})"},
                                       {"cnn3", R"({"type": "cnn_head", "depth": 3, "channels": 2})"},
                                       {"vit", R"({"type": "vit_head", "heads": 2, "mlp_channels": 24})"}};

class LightHeads : public ::testing::TestWithParam<GoldenHead> {
 protected:
  std::shared_ptr<Model> model() const { return head_model(GetParam().decoder); }
  /// Through six convolutions with ReLU, numbers of 0.1 would leave nothing.
  std::shared_ptr<Model> redrawn() const {
    auto head = model();
    testing::redraw(*head);
    const torch::NoGradGuard no_grad;
    for (auto& parameter : head->parameters()) parameter.mul_(5);
    return head;
  }
};

TEST_P(LightHeads, EqualTheirFormulas) {
  const torch::NoGradGuard no_grad;
  const auto head = model();
  const std::string name = GetParam().name;
  load_state_strictly(head->decoder(), testing::with_prefix(golden(), name + ".weights."), "the golden file");
  const Output output =
      decode_features(*head, Mode::Infer, golden().at("embedding"), testing::noise_batch(1, 1, {2, 16, 24}, 3));
  EXPECT_LE(largest_difference(output.low_res, golden().at(name + ".low_res")), 2e-5);
  EXPECT_LE(largest_difference(output.classes, golden().at(name + ".classes")), 2e-5);
  EXPECT_EQ(output.scale, Scale::Logits);
  EXPECT_TRUE(torch::equal(output.image_index, torch::tensor({0, 1})));
}

// What the released mask decoder computes for its predicted qualities and the other mask has no loss.
TEST_P(LightHeads, GradientsReachEveryParameterThatMakesMasks) {
  const auto head = redrawn();
  const Output output = forward(*head, Mode::Train, testing::noise_batch(2, 1, {2, 16, 24}, 3)).outputs.primary();
  const bool vit = std::string(GetParam().name) == "vit";
  testing::expect_gradients(
      *head, (output.classes * normal(output.classes.sizes().vec(), 3)).sum(),
      vit ? std::vector<std::string>{"decoder.iou_prediction_head.**", "decoder.output_hypernetworks_mlps.1.**"}
          : std::vector<std::string>{});
}

TEST_P(LightHeads, ComputeTheSameAfterSavingAndLoading) {
  const Batch batch = testing::noise_batch(1, 1, {2, 16, 24}, 3);
  testing::expect_reload_equal<Model>(
      [this] { return model(); },
      [&](Model& head) { return forward(head, Mode::Infer, batch).outputs.primary().classes.detach(); });
}

// Slices and cases are told apart: each of them alone gives what it gives among others.
TEST_P(LightHeads, TreatEverySliceByItself) {
  const torch::NoGradGuard no_grad;
  const auto head = redrawn();
  const Batch batch = testing::noise_batch(2, 1, {2, 16, 24}, 3);
  const torch::Tensor embedding = normal({4, 16, 2, 3}, 8);
  const torch::Tensor all = decode_features(*head, Mode::Infer, embedding, batch).classes;
  torch::Tensor changed = embedding.clone();
  changed[2] += 1;  // case 1, slice 0
  const torch::Tensor moved =
      (decode_features(*head, Mode::Infer, changed, batch).classes - all).abs().amax({1, 3, 4});  // [B, D]
  EXPECT_EQ(moved[0].max().item<double>(), 0);
  EXPECT_GT(moved[1][0].item<double>(), 0);
  EXPECT_EQ(moved[1][1].item<double>(), 0);
}

INSTANTIATE_TEST_SUITE_P(Heads, LightHeads, ::testing::ValuesIn(kGoldenHeads),
                         [](const auto& info) { return std::string(info.param.name); });

// Hu et al. on ACDC: three classes and the background, SAM's embedding of 256 channels on 64 x 64 cells.
int64_t released_count(const std::string& decoder) {
  return testing::parameter_count(head_model(decoder, {1, 4, {1, 1024, 1024}}, 256, 16)->decoder());
}

TEST(LightHeadSizes, AreThoseOfTheReleasedCode) {
  EXPECT_EQ(released_count(R"("linear_head")"), 75140);
  EXPECT_EQ(released_count(R"({"type": "cnn_head", "depth": 2})"), 1808132);   // 1.81 M
  EXPECT_EQ(released_count(R"({"type": "cnn_head", "depth": 4})"), 20686340);  // 20.7 M
  const auto vit = head_model(R"("vit_head")", {1, 4, {1, 1024, 1024}}, 256, 16);
  int64_t trained = 0;  // everything without "iou" in its name, as the release freezes
  for (const auto& item : vit->decoder().named_parameters())
    trained += item.key().find("iou") == std::string::npos ? item.value().numel() : 0;
  EXPECT_EQ(trained, 3646880);  // 3.65 M
}

TEST(LightHeadSizes, NamesAndShapesAreThoseOfTheReleasedCode) {
  const auto shapes = [](const std::string& decoder) {
    std::map<std::string, std::vector<int64_t>> found;
    for (const auto& [name, tensor] : state_of(head_model(decoder, {1, 4, {1, 1024, 1024}}, 256, 16)->decoder()))
      found[name] = tensor.sizes().vec();
    return found;
  };
  using Sizes = std::vector<int64_t>;
  auto linear = shapes(R"("linear_head")");
  EXPECT_EQ(linear.size(), 10);
  EXPECT_EQ(linear.at("output_upscaling.0.weight"), (Sizes{256, 64, 2, 2}));
  EXPECT_EQ(linear.at("output_upscaling.1.weight"), (Sizes{64}));
  EXPECT_EQ(linear.at("output_upscaling.3.weight"), (Sizes{64, 32, 2, 2}));
  EXPECT_EQ(linear.at("final.0.weight"), (Sizes{32, 32, 1, 1}));
  EXPECT_EQ(linear.at("final.2.weight"), (Sizes{4, 32, 1, 1}));
  auto cnn = shapes(R"({"type": "cnn_head"})");
  EXPECT_EQ(cnn.at("input_block.0.weight"), (Sizes{1024, 256, 1, 1}));
  EXPECT_EQ(cnn.at("input_block.2.weight"), (Sizes{1024, 1024, 1, 1}));
  EXPECT_EQ(cnn.at("blocks.0.2.weight"), (Sizes{512, 1024, 3, 3}));
  EXPECT_FALSE(cnn.contains("blocks.1.4.weight"));
  EXPECT_EQ(cnn.at("blocks.2.4.weight"), (Sizes{256, 128, 2, 2}));
  EXPECT_EQ(cnn.at("blocks.3.2.weight"), (Sizes{128, 128, 3, 3}));
  EXPECT_EQ(cnn.at("final.0.weight"), (Sizes{64, 64, 3, 3}));
  EXPECT_EQ(cnn.at("final.1.weight"), (Sizes{4, 64, 1, 1}));
  auto vit = shapes(R"("vit_head")");
  EXPECT_EQ(vit.at("iou_token.weight"), (Sizes{4, 256}));
  EXPECT_EQ(vit.at("mask_tokens.weight"), (Sizes{8, 256}));
  EXPECT_EQ(vit.at("pe_layer.positional_encoding_gaussian_matrix"), (Sizes{2, 128}));
  EXPECT_EQ(vit.at("output_hypernetworks_mlps.1.layers.2.weight"), (Sizes{32, 256}));
  EXPECT_EQ(vit.at("iou_prediction_head.layers.2.weight"), (Sizes{2, 256}));
  EXPECT_EQ(vit.at("transformer.layers.1.cross_attn_image_to_token.q_proj.weight"), (Sizes{128, 256}));
}

// Resolutions of Hu et al.'s depths on an embedding of 64 cells: 256, 128, 256, 512.
TEST(CnnHead, DoublesTheResolutionAsOftenAsItsDepthSays) {
  const std::map<int64_t, int64_t> factors{{2, 4}, {3, 2}, {4, 4}, {5, 8}};
  for (const auto& [depth, factor] : factors) {
    const auto head = head_model(text(R"({"type": "cnn_head", "channels": 2, "depth": )", depth, "}"));
    const Output output = forward(*head, Mode::Infer, testing::noise_batch(1, 1, {2, 16, 24}, 3)).outputs.primary();
    EXPECT_EQ(output.low_res.sizes(), (std::vector<int64_t>{2, 3, 2 * factor, 3 * factor}));
    EXPECT_EQ(output.classes.sizes(), (std::vector<int64_t>{1, 3, 2, 16, 24}));
  }
}

TEST(CnnHead, PutsNormsBehindTheConvolutionsOfItsBlocks) {
  for (const char* norm : {"instance", "layer"}) {
    const auto head = head_model(text(R"({"type": "cnn_head", "channels": 2, "depth": 3, "norm": ")", norm, "\"}"));
    EXPECT_EQ(state_of(head->decoder()).at("blocks.0.norm2.weight").sizes(), (std::vector<int64_t>{8}));
    const Output output = forward(*head, Mode::Train, testing::noise_batch(2, 1, {2, 16, 24}, 3)).outputs.primary();
    (output.classes * normal(output.classes.sizes().vec(), 3)).sum().backward();
    EXPECT_GT(head->decoder().named_parameters()["blocks.0.norm0.bias"].grad().abs().max().item<double>(), 0);
  }
}

TEST(LinearHead, EndsInAReluWhereTheReleaseIsAskedFor) {
  const torch::NoGradGuard no_grad;
  const auto head = head_model(R"({"type": "linear_head", "compat": "release"})");
  load_state_strictly(head->decoder(), testing::with_prefix(golden(), "linear.weights."), "the golden file");
  const Output output =
      decode_features(*head, Mode::Infer, golden().at("embedding"), testing::noise_batch(1, 1, {2, 16, 24}, 3));
  EXPECT_LE(largest_difference(output.low_res, golden().at("linear.release.low_res")), 2e-5);
  EXPECT_EQ(output.classes.min().item<double>(), 0);
}

TEST(VitHead, PublishesTheSitesOfSamsDecoder) {
  const auto head = head_model(R"({"type": "vit_head", "heads": 2})");
  std::vector<std::string> paths;
  for (const auto& use : head->site_uses()) paths.push_back(use.path);
  EXPECT_THAT(paths, ::testing::IsSupersetOf({"decoder.dense_pe", "decoder.layers.0.self_attn.out",
                                              "decoder.final_attn_token_to_image.out"}));
}

TEST(LightHeadRefusals, NameWhatIsWrong) {
  const auto refusal = [](const std::string& decoder) { return testing::message_of([&] { head_model(decoder); }); };
  EXPECT_THAT(refusal(R"({"type": "cnn_head", "depth": 6})"), HasSubstr("depth"));
  EXPECT_THAT(refusal(R"({"type": "cnn_head", "depth": 1})"), HasSubstr("2 to 5"));
  EXPECT_THAT(refusal(R"({"type": "cnn_head", "norm": "batch"})"), HasSubstr("norm"));
  EXPECT_THAT(refusal(R"({"type": "linear_head", "compat": "released"})"), HasSubstr("release"));
  EXPECT_THAT(refusal(R"({"type": "vit_head", "heads": 5})"), HasSubstr("16 channels cannot be shared by 5 heads"));
  for (const char* name : {"linear_head", "cnn_head", "vit_head"}) {
    EXPECT_THAT(
        testing::message_of([&] {
          testing::build_model(text(R"({"encoder": "unet_encoder", "decoder": ")", name, "\"}"), {1, 2, {16, 16, 16}});
        }),
        HasSubstr(text("'", name, "' needs the feature embedding")));
  }
  EXPECT_THAT(testing::message_of([] {
                Model::build(decoder_registry(),
                             testing::json(R"({"encoder": "cells", "prompter": "handed", "decoder": "linear_head"})"),
                             {1, 2, {1, 24, 32}});
              }),
              HasSubstr("does not take the boxes"));
}

}  // namespace
}  // namespace lamina
