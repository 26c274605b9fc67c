// The U-Net encoder: its topology, its features, its sites, and its place beside every decoder.
#include "unet_encoder.hpp"

#include "component_test.hpp"

namespace lamina {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using unet_encoder::plan_topology;
using Rows = std::vector<std::array<int64_t, 3>>;

TEST(Topology, EqualsNnunetOnHippocampus) {
  const auto plan = plan_topology({40, 56, 40}, {1, 1, 1}, 3, 0);
  EXPECT_EQ(plan.strides, (Rows{{1, 1, 1}, {2, 2, 2}, {2, 2, 2}, {2, 2, 2}}));
  EXPECT_EQ(plan.kernels, (Rows{{3, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}}));
}

TEST(Topology, EqualsNnunetOnThickSlices) {
  const auto acdc = plan_topology({20, 256, 224}, {5, 1.5625, 1.5625}, 3, 0);
  EXPECT_EQ(acdc.strides, (Rows{{1, 1, 1}, {1, 2, 2}, {2, 2, 2}, {2, 2, 2}, {1, 2, 2}, {1, 2, 2}}));
  EXPECT_EQ(acdc.kernels, (Rows{{1, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}}));
  const auto btcv = plan_topology({48, 192, 192}, {3, 0.7598, 0.7598}, 3, 0);
  EXPECT_EQ(btcv.strides, (Rows{{1, 1, 1}, {1, 2, 2}, {2, 2, 2}, {2, 2, 2}, {2, 2, 2}, {1, 2, 2}}));
}

TEST(Topology, LeavesDepthAloneInTwoDimensions) {
  const auto plan = plan_topology({9, 512, 512}, {1, 1, 1}, 2, 0);
  EXPECT_EQ(plan.strides.size(), 8);
  EXPECT_EQ(plan.strides[3], (std::array<int64_t, 3>{1, 2, 2}));
  EXPECT_EQ(plan.kernels.back(), (std::array<int64_t, 3>{1, 3, 3}));
}

std::shared_ptr<Backbone> make(const std::string& options, const BackboneContext& context = {1, {16, 16, 16}}) {
  return testing::registry().create<Backbone>(testing::json(R"({"type": "unet_encoder")" + options + "}"),
                                              "model.encoder", context);
}

std::vector<int64_t> channels(const Backbone& encoder) {
  std::vector<int64_t> result;
  for (const auto& feature : encoder.features()) result.push_back(feature.channels);
  return result;
}

TEST(UnetEncoder, DoublesChannelsUpToTheLimitOfItsDimensions) {
  EXPECT_THAT(channels(*make("", {1, {128, 128, 128}})), ElementsAre(32, 64, 128, 256, 320, 320));
  EXPECT_THAT(channels(*make(R"(, "dimensions": 2)", {1, {1, 256, 224}})), ElementsAre(32, 64, 128, 256, 512, 512));
  EXPECT_THAT(channels(*make(R"(, "base_channels": 4)")), ElementsAre(4, 8, 16));
}

TEST(UnetEncoder, DescribesItsFeatures) {
  const auto features =
      make(R"(, "channels": [4, 6], "strides": [[1, 1, 1], [1, 2, 2]], "kernels": [[1, 3, 3], [3, 3, 3]])")->features();
  ASSERT_EQ(features.size(), 2);
  EXPECT_EQ(features[1].name, "stage.1");
  EXPECT_EQ(features[1].channels, 6);
  EXPECT_THAT(features[1].stride, ElementsAre(1, 2, 2));
  EXPECT_THAT(features[0].kernel, ElementsAre(1, 3, 3));
  EXPECT_FALSE(features[0].folded);
}

TEST(UnetEncoder, KeepsOnlyWhatIsWantedAndHasThePromisedShapes) {
  for (const int64_t dimensions : {2, 3}) {
    const auto encoder = make(text(R"(, "channels": [4, 6, 8], "dimensions": )", dimensions));
    encoder->settle({1, {16, 16, 16}});
    Scene scene(Mode::Infer);
    const auto features = encoder->encode(testing::normal({2, 1, 16, 16, 16}), {"stage.0", "stage.2"}, scene);
    ASSERT_EQ(features.items().size(), 2);
    const std::vector<int64_t> expected =
        dimensions == 2 ? std::vector<int64_t>{32, 8, 4, 4} : std::vector<int64_t>{2, 8, 4, 4, 4};
    EXPECT_EQ(features.at("stage.2").sizes(), expected);
    EXPECT_THAT(testing::message_of([&] { features.at("stage.1"); }), HasSubstr("there are: stage.0, stage.2"));
  }
}

TEST(UnetEncoder, MemoryFormatChangesNoResult) {
  const auto last = make(R"(, "channels": [4, 6])"),
             plain = make(R"(, "channels": [4, 6], "memory_format": "contiguous")");
  testing::redraw(*last);
  load_state_strictly(*plain, state_of(*last), "the other one");
  Scene scene(Mode::Infer);
  const torch::Tensor image = testing::normal({2, 1, 16, 16, 16});
  EXPECT_LE(testing::largest_difference(last->encode(image, {"stage.1"}, scene).at("stage.1"),
                                        plain->encode(image, {"stage.1"}, scene).at("stage.1")),
            1e-5);
}

TEST(UnetEncoder, StartsResidualBlocksAsTheirSkips) {
  const auto encoder = make(R"(, "channels": [4, 6], "residual": true, "blocks": [1, 2])");
  EXPECT_EQ(encoder->named_parameters()["stages.1.blocks.1.conv2.norm.weight"].abs().max().item<float>(), 0);
  EXPECT_TRUE(encoder->named_parameters().contains("stages.1.blocks.0.skip.1.conv.weight"));
  EXPECT_FALSE(encoder->named_parameters().contains("stages.1.blocks.0.skip.1.conv.bias"));
  EXPECT_FALSE(encoder->named_parameters().contains("stages.1.blocks.1.skip.0.conv.weight"));
}

TEST(UnetEncoder, OffersASiteBehindEveryStage) {
  const auto flat = make(R"(, "channels": [4, 6], "dimensions": 2)");
  ASSERT_EQ(flat->sites().size(), 2);
  EXPECT_EQ(flat->sites()[1].path, "stages.1.output");
  EXPECT_EQ(flat->sites()[1].layout, Layout::Grid);
  EXPECT_EQ(flat->sites()[1].in_channels, 6);
  EXPECT_EQ(make(R"(, "channels": [4, 6])")->sites()[0].layout, Layout::Volume);
}

TEST(UnetEncoder, RefusesAPatchThatItsStridesDoNotDivide) {
  const std::string message = testing::message_of([] {
    make(R"(, "channels": [4, 6, 8])", {1, {16, 50, 16}})->settle({1, {16, 50, 16}});
  });
  EXPECT_THAT(message, HasSubstr("train.patch: 50 along y is not divisible by 4"));
  EXPECT_THAT(message, HasSubstr("take 52"));
}

TEST(UnetEncoder, RefusesMoreStagesThanThePatchHasRoomFor) {
  EXPECT_THAT(testing::message_of([] { make(R"(, "channels": [4, 6, 8, 8])"); }),
              HasSubstr("has room for 3 stages; 4 are asked for"));
}

TEST(UnetEncoder, RefusesTablesThatDoNotFit) {
  EXPECT_THAT(testing::message_of([] { make(R"(, "strides": [[1, 1], [2, 2]])"); }),
              HasSubstr("model.encoder.strides: expected \"auto\" or a list with 3"));
  EXPECT_THAT(testing::message_of([] { make(R"(, "kernels": [[3, 3, 3], [2, 3, 3]])"); }),
              HasSubstr("kernels must be odd"));
  EXPECT_THAT(testing::message_of([] { make(R"(, "channels": [4, 6], "blocks": [1, 2, 3])"); }),
              HasSubstr("model.encoder.blocks"));
  EXPECT_THAT(testing::message_of([] { make(R"(, "dimensions": 4)"); }), HasSubstr("model.encoder.dimensions"));
}

// Every backbone with every prompter and every decoder: builds and takes a step, or is refused with a reason.
/// A batch of two cases of two slices with one box each, for the prompter that hands on what it is given.
Batch batch_with_boxes() {
  Batch batch = testing::noise_batch(2, 1, {2, 32, 32}, 3);
  Prompts prompts;
  prompts.image_index = torch::arange(4);
  prompts.class_id = torch::ones({4}, torch::kInt64);
  prompts.boxes = torch::tensor({4.0, 6.0, 20.0, 25.0}).expand({4, 4});
  batch.prompts.set(kPrimaryStream, prompts);
  return batch;
}

/// Something that depends on all that trains; combined classes of queries carry no gradient.
torch::Tensor learnable(const Output& output) {
  if (output.classes.requires_grad()) return output.classes.mean();
  return output.query_masks.mean() + output.query_classes.mean();
}

TEST(Combinations, BuildAndStepOrAreRefusedInWords) {
  const auto& registry = testing::registry();
  int built = 0;
  for (const auto& backbone : registry.list("backbone")) {
    for (const auto& prompter : registry.list("prompter")) {
      for (const auto& decoder : registry.list("decoder")) {
        // SAM's own size is no matter of seconds.
        const std::string size = backbone.name.find("sam") != std::string::npos ? R"(, "size": "tiny")" : "";
        const std::string section = text(R"({"encoder": {"type": ")", backbone.name, '"', size, R"(}, "prompter": ")",
                                         prompter.name, R"(", "decoder": ")", decoder.name, R"("})");
        SCOPED_TRACE(section);
        try {
          const auto model = testing::build_model(section, {1, 3, {2, 32, 32}});
          const auto output = forward(*model, Mode::Train, batch_with_boxes()).outputs.primary();
          ASSERT_EQ(output.classes.sizes(), (std::vector<int64_t>{2, 3, 2, 32, 32}));
          learnable(output).backward();
          ++built;
        } catch (const ConfigError& error) {
          EXPECT_GT(std::string(error.what()).size(), 40) << error.what();
        }
      }
    }
  }
  EXPECT_GT(built, 0);
}

}  // namespace
}  // namespace lamina
