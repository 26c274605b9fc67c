// MobileSAM's image encoder: names, sizes, features, sites, training, and what it refuses.
#include "sam_encoder.hpp"

#include <lamina/model/trainable.hpp>

namespace lamina {
namespace {

using ::testing::ElementsAre;
using testing::encoded;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using testing::largest_difference;
using testing::message_of;
using testing::normal;

using Shapes = std::map<std::string, std::vector<int64_t>>;

const BackboneContext kSmall{1, {2, 48, 32}};  // 3 x 2 cells of the embedding

std::shared_ptr<Backbone> mobile(const std::string& options, const BackboneContext& context = kSmall) {
  return testing::encoder_of("mobile_sam", options, context);
}

std::shared_ptr<Backbone> tiny(const std::string& more = "", const BackboneContext& context = kSmall) {
  return mobile(R"("size": "tiny")" + (more.empty() ? "" : ", " + more), context);
}

/// Redraws everything, with batch norms that hand on what they see: tenth parts of tenth parts drown in rounding.
void redraw(Backbone& encoder) {
  testing::redraw(encoder);
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_of(encoder)) {
    torch::Tensor target = tensor;
    if (name.ends_with("bn.weight")) target.add_(2);
  }
}

/// A convolution and its batch norm, as the sheet of methods lists them.
void add_conv_norm(Shapes& shapes, const std::string& at, int64_t out, int64_t in, int64_t kernel) {
  shapes[at + ".c.weight"] = {out, in, kernel, kernel};
  for (const char* name : {"weight", "bias", "running_mean", "running_var"}) shapes[at + ".bn." + name] = {out};
  shapes[at + ".bn.num_batches_tracked"] = {};
}

void add_three_convs(Shapes& shapes, const std::string& at, int64_t in, int64_t hidden, int64_t out) {
  add_conv_norm(shapes, at + ".conv1", hidden, in, 1);
  add_conv_norm(shapes, at + ".conv2", hidden, 1, 3);
  add_conv_norm(shapes, at + ".conv3", out, hidden, 1);
}

void add_window_block(Shapes& shapes, const std::string& at, int64_t channels, int64_t heads, int64_t window) {
  shapes[at + ".attn.attention_biases"] = {heads, window * window};
  const auto add = [&](const std::string& name, std::vector<int64_t> weight) {
    shapes[at + name + ".bias"] = {weight[0]};
    shapes[at + name + ".weight"] = std::move(weight);
  };
  add(".attn.norm", {channels});
  add(".attn.qkv", {3 * channels, channels});
  add(".attn.proj", {channels, channels});
  add_conv_norm(shapes, at + ".local_conv", channels, 1, 3);
  add(".mlp.norm", {channels});
  add(".mlp.fc1", {4 * channels, channels});
  add(".mlp.fc2", {channels, 4 * channels});
}

/// Names in the released file behind "image_encoder.", without the classifier it does not use.
Shapes shapes_of_mobile_sam() {
  Shapes shapes;
  add_conv_norm(shapes, "patch_embed.seq.0", 32, 3, 3);
  add_conv_norm(shapes, "patch_embed.seq.2", 64, 32, 3);
  for (int block = 0; block < 2; ++block) add_three_convs(shapes, text("layers.0.blocks.", block), 64, 256, 64);
  add_three_convs(shapes, "layers.0.downsample", 64, 128, 128);
  add_three_convs(shapes, "layers.1.downsample", 128, 160, 160);
  add_three_convs(shapes, "layers.2.downsample", 160, 320, 320);
  for (int block = 0; block < 2; ++block) add_window_block(shapes, text("layers.1.blocks.", block), 128, 4, 7);
  for (int block = 0; block < 6; ++block) add_window_block(shapes, text("layers.2.blocks.", block), 160, 5, 14);
  for (int block = 0; block < 2; ++block) add_window_block(shapes, text("layers.3.blocks.", block), 320, 10, 7);
  shapes["neck.0.weight"] = {256, 320, 1, 1};
  shapes["neck.2.weight"] = {256, 256, 3, 3};
  for (const char* name : {"neck.1.weight", "neck.1.bias", "neck.3.weight", "neck.3.bias"}) shapes[name] = {256};
  return shapes;
}

TEST(MobileSam, HasExactlyTheNamesAndShapesOfTheReleasedEncoder) {
  const auto encoder = mobile(R"("size": "mobile_sam")", {3, {1, 32, 32}});
  Shapes ours;
  for (const auto& [name, tensor] : state_of(*encoder)) ours[name] = tensor.sizes().vec();
  const Shapes official = shapes_of_mobile_sam();
  for (const auto& [name, shape] : official) EXPECT_TRUE(ours.contains(name)) << name << " is missing";
  for (const auto& [name, shape] : ours) {
    const auto found = official.find(name);
    ASSERT_NE(found, official.end()) << name << " is no name of the released encoder";
    EXPECT_EQ(shape, found->second) << name;
  }
  EXPECT_EQ(testing::parameter_count(*encoder), 5743892);  // TinyViT-5M without its classifier, and the neck
}

TEST(MobileSam, DescribesItsFeatures) {
  const auto features = mobile(R"("size": "mobile_sam")", {3, {1, 64, 96}})->features();
  std::vector<std::string> names;
  std::vector<int64_t> channels;
  std::vector<double> strides;
  for (const auto& feature : features) {
    names.push_back(feature.name);
    channels.push_back(feature.channels);
    strides.push_back(feature.stride[1]);
    EXPECT_EQ(feature.stride[1], feature.stride[2]);
    EXPECT_THAT(feature.frame, ElementsAre(64, 96));
    EXPECT_TRUE(feature.folded);
  }
  EXPECT_THAT(names, ElementsAre("stage.0", "stage.1", "tap.0", "stage.2", "tap.1", "stage.3", "tap.2", "embedding"));
  EXPECT_THAT(channels, ElementsAre(128, 160, 160, 320, 320, 320, 320, 256));
  EXPECT_THAT(strides, ElementsAre(8, 16, 16, 16, 16, 16, 16, 16));
}

// The released code was made for 1024 x 1024 alone. Here windows fit, reach beyond the grid, or are larger than it.
TEST(MobileSam, TakesImagesOfAnySizeThatItsCellsDivide) {
  for (const auto& [height, width] : {std::pair{16, 16}, {48, 32}, {32, 112}, {128, 80}}) {
    const auto encoder = tiny("", {3, {1, height, width}});
    encoder->eval();
    const Features features = encoded(*encoder, normal({1, 3, 1, height, width}), {"stage.0", "tap.0", "embedding"});
    EXPECT_EQ(features.at("stage.0").sizes(), (std::vector<int64_t>{1, 32, height / 8, width / 8}));
    EXPECT_EQ(features.at("tap.0").sizes(), (std::vector<int64_t>{1, 40, height / 16, width / 16}));
    EXPECT_EQ(features.at("embedding").sizes(), (std::vector<int64_t>{1, 64, height / 16, width / 16}));
    EXPECT_TRUE(features.at("embedding").isfinite().all().item<bool>());
  }
}

// A stem that enlarges the image fourfold makes cells of four pixels of the patch.
TEST(MobileSam, StrideCountsPixelsOfThePatchBehindAStem) {
  const auto encoder = testing::unsettled_encoder("mobile_sam", R"("size": "tiny")", kSmall);
  encoder->settle({3, {2, 192, 128}});
  EXPECT_THAT(spec_of(encoder->features(), "embedding").stride, ElementsAre(1, 4, 4));
  EXPECT_THAT(spec_of(encoder->features(), "embedding").frame, ElementsAre(48, 32));
}

TEST(MobileSam, StridesSayHowCoarseTheGridBecomes) {
  const auto features = tiny(R"("strides": [1, 2, 1])")->features();
  EXPECT_THAT(spec_of(features, "embedding").stride, ElementsAre(1, 8, 8));
  EXPECT_THAT(spec_of(features, "stage.0").stride, ElementsAre(1, 4, 4));
}

TEST(MobileSam, ComputesAVolumeSliceBySlice) {
  const auto encoder = tiny();
  redraw(*encoder);
  encoder->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor image = normal({2, 1, 2, 48, 32});
  const torch::Tensor all = encoded(*encoder, image).at("embedding");
  for (int64_t slice = 0; slice < 4; ++slice) {
    const torch::Tensor one = image[slice / 2].narrow(1, slice % 2, 1).unsqueeze(0);
    EXPECT_LE(largest_difference(all[slice].unsqueeze(0), encoded(*encoder, one).at("embedding")), 1e-5) << slice;
  }
  const auto colour = tiny("", {3, {2, 48, 32}});
  load_state_strictly(*colour, state_of(*encoder), "the grey one");
  colour->eval();
  EXPECT_LE(largest_difference(encoded(*colour, image.repeat({1, 3, 1, 1, 1})).at("embedding"), all), 1e-5);
}

TEST(MobileSam, OffersSitesInFrontOfInAndBehindItsBlocks) {
  std::vector<std::string> paths;
  const auto encoder = tiny();
  for (const auto& site : encoder->sites()) paths.push_back(site.path);
  EXPECT_EQ(paths.size(), 2 + 1 * 2 + 4 * 11 + 2);
  EXPECT_THAT(paths, IsSupersetOf({"image", "embed", "layers.0.blocks.0.input", "layers.0.blocks.0.output",
                                   "layers.1.blocks.0.attn.out", "layers.2.blocks.1.attn.merged",
                                   "layers.3.blocks.0.local_conv.out", "layers.3.blocks.0.mlp.fc1", "neck.out"}));
  const Site& qkv = encoder->sites()[testing::site_called(*encoder, "layers.2.blocks.0.attn.qkv")];
  EXPECT_EQ(qkv.kind, SiteKind::Projection);
  EXPECT_EQ(qkv.out_channels, 120);
  EXPECT_EQ(qkv.parts, 6);  // q, k, v of the first head, then of the second
}

TEST(MobileSam, GradientsReachEveryParameter) {
  for (const char* more : {"", R"("checkpoint": true)"}) {
    const auto encoder = tiny(more);
    redraw(*encoder);
    testing::expect_gradients(*encoder, encoded(*encoder, normal({1, 1, 2, 48, 32})).at("embedding").pow(2).mean());
  }
}

// Every block has a batch norm, and its second run must not count the batch again.
TEST(MobileSam, CheckpointingChangesNeitherGradientsNorStatistics) {
  const torch::Tensor image = normal({2, 1, 2, 48, 32});
  std::vector<TensorDict> gradients;
  std::vector<StateDict> states;
  for (const char* more : {"", R"("checkpoint": true)"}) {
    const auto encoder = tiny(more);
    redraw(*encoder);
    const Features features = encoded(*encoder, image, {"embedding", "tap.0"});
    (features.at("embedding").pow(2).mean() + features.at("tap.0").sin().mean()).backward();
    gradients.emplace_back();
    for (const auto& item : encoder->named_parameters()) gradients.back()[item.key()] = item.value().grad();
    states.push_back(state_of(*encoder));
  }
  for (const auto& [name, expected] : gradients[0]) EXPECT_TRUE(torch::equal(gradients[1].at(name), expected)) << name;
  for (const auto& [name, expected] : states[0]) EXPECT_TRUE(torch::equal(states[1].at(name), expected)) << name;
  EXPECT_EQ(states[1].at("layers.2.blocks.1.local_conv.bn.num_batches_tracked").item<int64_t>(), 1);
}

TEST(MobileSam, FrozenItGoesByItsRunningStatisticsAndKeepsThem) {
  const auto model = testing::build_model(
      R"({"encoder": {"type": "mobile_sam", "size": "tiny"}, "adapters": [], "prompter": {"type": "none"},
          "decoder": {"type": "sam_mask", "mask_tokens": "per_class", "mlp_channels": 8}})",
      {1, 3, {2, 48, 32}});
  set_trainable(*model, {"decoder.**"});
  StateDict before;
  for (const auto& [name, tensor] : state_of(model->encoder())) before[name] = tensor.clone();
  const Batch batch = testing::noise_batch(2, 1, {2, 48, 32}, 3);
  model->set_mode(Mode::Train);
  forward(*model, Mode::Train, batch);
  for (const auto& [name, tensor] : state_of(model->encoder())) EXPECT_TRUE(torch::equal(tensor, before.at(name)));
  set_trainable(*model, {"**"});
  model->set_mode(Mode::Train);
  forward(*model, Mode::Train, batch);
  const std::string mean = "patch_embed.seq.0.bn.running_mean";
  EXPECT_FALSE(torch::equal(state_of(model->encoder()).at(mean), before.at(mean)));
}

TEST(MobileSam, TrainsInMixedPrecisionWithTheSameGradientsUpToRounding) {
  const auto encoder = tiny();
  redraw(*encoder);
  encoder->eval();
  const torch::Tensor image = normal({1, 1, 2, 48, 32});
  testing::expect_same_in_mixed_precision(*encoder, image, "layers.2.blocks.0.attn.proj.weight");
}

TEST(MobileSam, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = normal({1, 1, 2, 48, 32});
  testing::expect_reload_equal<Backbone>([] { return tiny(); },
                                         [&](Backbone& encoder) {
                                           const torch::NoGradGuard no_grad;
                                           encoder.eval();
                                           return encoded(encoder, image).at("embedding");
                                         });
}

TEST(MobileSam, StartsWithResidualBlocksThatDoNothingAndZeroBiases) {
  const auto state = state_of(*tiny());
  for (const char* name : {"layers.0.blocks.0.conv3.bn.weight", "layers.1.blocks.0.attn.attention_biases",
                           "layers.1.blocks.0.attn.qkv.bias"})
    EXPECT_EQ(state.at(name).abs().max().item<double>(), 0) << name;
  EXPECT_NEAR(state.at("layers.3.blocks.0.mlp.fc1.weight").std().item<double>(), 0.0176, 1e-3);
}

// Neighbours are found in true depth, also inside windows, in stages of different grids.
TEST(MobileSam, DepthAdaptersMixSlicesAtEveryKindOfSite) {
  for (const char* path : {"layers.0.blocks.0.output", "layers.1.blocks.0.attn.out", "layers.2.blocks.1.attn.merged",
                           "layers.2.blocks.0.local_conv.out", "layers.3.blocks.0.mlp.out"}) {
    const auto encoder = tiny();
    const auto unit = testing::adapt(*encoder, R"({"type": "depth_conv"})", path);
    redraw(*encoder);
    testing::redraw(*unit, 2);
    encoder->eval();
    testing::expect_depth_mixing({2, 1, 5, 48, 32}, [&](const torch::Tensor& image) {
      return encoded(*encoder, image).at("embedding").unflatten(0, {2, 5}).transpose(1, 2);
    });
  }
}

TEST(MobileSam, CheckpointedBlocksTrainTheirAdaptersInAFrozenTrunk) {
  const torch::Tensor image = normal({1, 1, 5, 48, 32});
  std::vector<torch::Tensor> gradients;
  for (const char* more : {"", R"("checkpoint": true)"}) {
    const auto encoder = tiny(more);
    for (auto& parameter : encoder->parameters()) parameter.requires_grad_(false);
    const auto unit = testing::adapt(*encoder, R"({"type": "depth_conv"})", "layers.2.blocks.0.attn.out");
    redraw(*encoder);
    testing::redraw(*unit, 2);
    encoder->eval();
    testing::expect_gradients(*unit, encoded(*encoder, image).at("embedding").pow(2).mean());
    gradients.push_back(unit->parameters()[0].grad());
  }
  EXPECT_TRUE(torch::equal(gradients[0], gradients[1]));
}

TEST(MobileSam, DoesNotCheckpointABlockWhoseUnitMustRunOnce) {
  const auto encoder = testing::unsettled_encoder("mobile_sam", R"("size": "tiny", "checkpoint": true)", kSmall);
  testing::CountingHook once;
  encoder->attach(testing::site_called(*encoder, "layers.1.blocks.0.mid"), once);
  encoder->settle({1, kSmall.patch});
  encoded(*encoder, normal({1, 1, 2, 48, 32})).at("embedding").sum().backward();
  EXPECT_EQ(once.calls, 1);
}

TEST(MobileSam, RefusesAPatchThatItsCellsDoNotDivide) {
  EXPECT_THAT(message_of([] {
                tiny("", {1, {2, 48, 40}});
              }),
              HasSubstr("train.patch: 40 along x is not divisible by 16, the side of a cell of model.encoder's "
                        "embedding in pixels; take 48"));
  EXPECT_THAT(message_of([] {
                tiny(R"("strides": [2, 2, 2])", {1, {2, 48, 32}});
              }),
              HasSubstr("48 along y is not divisible by 32"));
}

TEST(MobileSam, NamesTheStemsWhereChannelsDoNotFit) {
  const std::string message = message_of([] { tiny("", {4, {2, 48, 32}}); });
  EXPECT_THAT(message, HasSubstr("the image has 4"));
  for (const char* stem : {"conv_stem", "project", "repeat", "encoder.image"}) EXPECT_THAT(message, HasSubstr(stem));
}

TEST(MobileSam, RefusesAnImageOfAnotherSizeThanItWasBuiltFor) {
  const auto encoder = tiny();
  EXPECT_THAT(message_of([&] { encoded(*encoder, normal({1, 1, 2, 48, 48})); }), HasSubstr("expected [*, 3, 48, 32]"));
}

TEST(MobileSam, RefusesToTrainBatchNormOnASingleCell) {
  const auto encoder = tiny("", {1, {1, 16, 16}});
  EXPECT_THAT(message_of([&] {
                encoded(*encoder, normal({1, 1, 1, 16, 16}));
              }),
              HasSubstr("one slice of 1 x 1 cells; take a larger train.patch or train.batch"));
}

TEST(MobileSam, RefusesNumbersThatDoNotGoTogether) {
  EXPECT_THAT(message_of([] { tiny(R"("heads": [1, 2, 3, 4])"); }),
              HasSubstr("model.encoder.heads: 3 heads do not divide the 40 channels of stage 2"));
  EXPECT_THAT(message_of([] { tiny(R"("depths": [1, 1])"); }),
              HasSubstr("model.encoder.depths: has 2 entries; channels names 4 stages, so expected 4 (one per stage)"));
  EXPECT_THAT(message_of([] { tiny(R"("strides": [2, 2])"); }), HasSubstr("expected 3 (one between every two stages)"));
  EXPECT_THAT(message_of([] { tiny(R"("channels": [15, 32, 40, 80])"); }),
              HasSubstr("the first stage has 15 channels"));
  EXPECT_THAT(message_of([] { mobile(R"("size": "custom", "channels": [8, 16])"); }),
              HasSubstr("custom needs depths, heads, windows as well"));
  EXPECT_THAT(
      message_of([] { mobile(R"("size": "custom", "channels": [8], "depths": [1], "heads": [1], "windows": [3])"); }),
      HasSubstr("model.encoder.channels: names 1 stage; expected at least 2"));
  for (const char* wrong : {R"("size": "huge")", R"("windows": [4, 0, 4, 4])", R"("strides": [2, 3, 1])"})
    EXPECT_THAT(message_of([&] { mobile(wrong); }), HasSubstr("model.encoder.")) << wrong;
}

}  // namespace
}  // namespace lamina
