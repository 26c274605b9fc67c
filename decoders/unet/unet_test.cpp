// The U-Net decoder, alone and with its encoder, against PyPI dynamic-network-architectures.
#include "unet.hpp"

#include "component_test.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;

FeatureSpec stage(int64_t index, int64_t channels, std::array<double, 3> stride, bool folded = false) {
  FeatureSpec spec;
  spec.name = text("stage.", index);
  spec.channels = channels;
  spec.stride = stride;
  spec.folded = folded;
  return spec;
}

DecoderContext three_stages(bool folded = false) {
  const double z = folded ? 1 : 2;
  return {{stage(0, 4, {1, 1, 1}, folded), stage(1, 6, {1, 2, 2}, folded), stage(2, 8, {z, 4, 4}, folded)},
          {},
          3,
          {2, 8, 8}};
}

/// The reference was computed in float64, its outputs are up to 4.
void expect_equal(const torch::Tensor& output, const torch::Tensor& reference) {
  EXPECT_LE(testing::largest_difference(output, reference), 1e-5);
}

class UnetParity : public ::testing::TestWithParam<const char*> {};

TEST_P(UnetParity, EqualsTheReferenceAtEveryResolution) {
  const auto file = read_safetensors(text(LAMINA_TEST_SOURCE_DIR, "/tests/parity/", GetParam(), ".safetensors"));
  const ConfigNode setup = ConfigNode::parse(file.metadata.at("setup"));
  const ConfigNode patch = setup.at("patch");
  const auto model =
      Model::build(testing::registry(), setup.at("model"),
                   {setup.at("image_channels").as_integer(),
                    setup.at("classes").as_integer(),
                    {patch.at(size_t{0}).as_integer(), patch.at(1).as_integer(), patch.at(2).as_integer()}});
  StateDict weights;
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
  }
  load_state_strictly(*model, weights, GetParam());

  Batch batch;
  batch.images.set(kPrimaryStream, file.tensors.at("image"));
  torch::NoGradGuard no_grad;
  const Prediction prediction = forward(*model, Mode::Train, batch);
  const Output& output = prediction.outputs.primary();
  expect_equal(output.classes, file.tensors.at("output.0"));
  size_t known = 1;
  for (; file.tensors.contains(text("output.", known)); ++known) {
    SCOPED_TRACE(text("resolution ", known));
    ASSERT_LT(known - 1, output.stages.size());
    expect_equal(output.stages[known - 1].classes, file.tensors.at(text("output.", known)));
  }
  EXPECT_EQ(output.stages.size() + 1, known);
}

INSTANTIATE_TEST_SUITE_P(Networks, UnetParity,
                         ::testing::Values("unet_plain_3d", "unet_residual_3d", "unet_plain_2d", "unet_residual_2d"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Unet, PredictsCoarseResolutionsOnlyWhileTraining) {
  const auto model = testing::build_model(
      R"({"encoder": {"type": "unet_encoder", "channels": [4, 6, 8]}, "decoder": "unet"})", {1, 3, {16, 16, 16}});
  const Batch batch = testing::noise_batch(2, 1, {16, 16, 16}, 3);
  const auto train = forward(*model, Mode::Train, batch).outputs.primary();
  const auto infer = forward(*model, Mode::Infer, batch).outputs.primary();
  ASSERT_EQ(train.stages.size(), 1);
  EXPECT_EQ(train.stages[0].classes.sizes(), (std::vector<int64_t>{2, 3, 8, 8, 8}));
  EXPECT_TRUE(infer.stages.empty());
  EXPECT_EQ(infer.classes.sizes(), (std::vector<int64_t>{2, 3, 16, 16, 16}));
  EXPECT_TRUE(torch::equal(train.classes, infer.classes));
}

TEST(Unet, WithoutDeepSupervisionTheCoarseLayersAreTheOnlyUnusedOnes) {
  const auto model = testing::build_model(
      R"({"encoder": {"type": "unet_encoder", "channels": [4, 6, 8], "dimensions": 2, "conv_bias": false}, "decoder": {"type": "unet", "conv_bias": false, "deep_supervision": false}})",
      {1, 2, {2, 16, 16}});
  testing::redraw(*model);
  const auto output = forward(*model, Mode::Train, testing::noise_batch(2, 1, {2, 16, 16}, 2)).outputs.primary();
  testing::expect_gradients(*model, output.classes.pow(2).mean(), {"decoder.seg_layers.0.*"});
}

// Without biases in front of the norms: those are taken away by the norm and have no gradient but rounding.
TEST(Unet, GradientsReachEveryParameterThroughDeepSupervision) {
  for (const char* residual : {"false", "true"}) {
    const auto section =
        text(R"({"encoder": {"type": "unet_encoder", "channels": [4, 6, 8], "conv_bias": false, "residual": )",
             residual, R"(}, "decoder": {"type": "unet", "conv_bias": false}})");
    const auto model = testing::build_model(section, {1, 2, {16, 16, 16}});
    testing::redraw(*model);
    const auto output = forward(*model, Mode::Train, testing::noise_batch(1, 1, {16, 16, 16}, 2)).outputs.primary();
    testing::expect_gradients(*model, output.classes.pow(2).mean() + output.stages[0].classes.pow(2).mean());
  }
}

TEST(Unet, ComputesTheSameAfterSavingAndLoading) {
  const Batch batch = testing::noise_batch(1, 1, {8, 16, 16}, 2);
  testing::expect_reload_equal<Model>(
      [] {
        return testing::build_model(R"({"encoder": {"type": "unet_encoder", "channels": [4, 6]}, "decoder": "unet"})",
                                    {1, 2, {8, 16, 16}});
      },
      [&](Model& model) { return forward(model, Mode::Infer, batch).outputs.primary().classes.detach(); });
}

TEST(Unet, TakesTheEncodersKernels) {
  DecoderContext context = three_stages();
  context.features[0].kernel = {1, 3, 3};
  Unet decoder({}, context);
  EXPECT_EQ(decoder.named_parameters()["stages.1.convs.0.conv.weight"].sizes(), (std::vector<int64_t>{4, 8, 1, 3, 3}));
  EXPECT_EQ(decoder.named_parameters()["transpconvs.0.weight"].sizes(), (std::vector<int64_t>{8, 6, 2, 2, 2}));
}

TEST(Unet, WorksWithTwoDimensionsWhereFeaturesAreFolded) {
  Unet decoder({}, three_stages(true));
  EXPECT_EQ(decoder.named_parameters()["transpconvs.0.weight"].sizes(), (std::vector<int64_t>{8, 6, 2, 2}));
}

TEST(Unet, RefusesAnEncoderWithoutAPyramid) {
  FeatureSpec embedding = stage(0, 256, {1, 16, 16});
  embedding.name = "embedding";
  const std::string message = testing::message_of([&] { Unet({}, {{embedding}, {}, 2, {1, 64, 64}}); });
  EXPECT_THAT(message, HasSubstr("needs the features stage.0"));
  EXPECT_THAT(message, HasSubstr("this encoder offers: embedding"));
}

TEST(Unet, RefusesAWrongNumberOfStages) {
  UnetOptions options;
  options.convs_per_stage = {1, 2, 3};
  EXPECT_THAT(testing::message_of([&] { Unet(options, three_stages()); }),
              HasSubstr("convs_per_stage: has 3 entries; expected one for all, or 2"));
}

}  // namespace
}  // namespace lamina
