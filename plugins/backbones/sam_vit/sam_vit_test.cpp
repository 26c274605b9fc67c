// SAM's image encoder: sizes, features, sites, pretrained tables, and what it refuses.
#include "sam_encoder.hpp"

namespace lamina {
namespace {

using testing::adapt;
using ::testing::ElementsAre;
using testing::encoded;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using testing::largest_difference;
using testing::message_of;
using testing::normal;
using testing::sam_encoder;

const BackboneContext kSmall{1, {2, 24, 16}};  // tiny: 6 x 4 tokens

std::shared_ptr<Backbone> tiny(const std::string& more = "", const BackboneContext& context = kSmall) {
  return sam_encoder(R"("size": "tiny")" + (more.empty() ? "" : ", " + more), context);
}

int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::shared_ptr<Backbone> full_size(const std::string& size) {
  return sam_encoder(R"("size": ")" + size + R"(", "position": "crop", "rel_pos": "runtime")", {3, {1, 32, 32}});
}

TEST(SamVit, HasTheParametersOfViTB) {
  const auto encoder = full_size("base");
  EXPECT_EQ(parameter_count(*encoder), 89670912);
  const auto state = state_of(*encoder);
  EXPECT_EQ(state.size(), 177);
  EXPECT_EQ(state.at("pos_embed").sizes(), (std::vector<int64_t>{1, 64, 64, 768}));
  EXPECT_EQ(state.at("blocks.5.attn.rel_pos_h").sizes(), (std::vector<int64_t>{127, 64}));
  EXPECT_EQ(state.at("blocks.4.attn.rel_pos_w").sizes(), (std::vector<int64_t>{27, 64}));
  EXPECT_EQ(state.at("neck.2.weight").sizes(), (std::vector<int64_t>{256, 256, 3, 3}));
  for (const char* name : {"patch_embed.proj.weight", "blocks.11.attn.qkv.bias", "blocks.0.mlp.lin1.weight",
                           "blocks.0.norm2.bias", "neck.0.weight", "neck.3.bias"})
    EXPECT_TRUE(state.contains(name)) << name;
}

// Slow for their 1.2 and 2.5 GB alone.
TEST(SamVitSlow, HasTheParametersOfViTLAndViTH) {
  EXPECT_EQ(parameter_count(*full_size("large")), 308278272);
  EXPECT_EQ(parameter_count(*full_size("huge")), 637026048);
}

TEST(SamVit, OffersSitesInFrontOfInAndBehindItsBlocks) {
  std::vector<std::string> paths;
  const auto encoder = tiny();
  for (const auto& site : encoder->sites()) paths.push_back(site.path);
  EXPECT_EQ(paths.size(), 2 + 4 * 10 + 2);
  EXPECT_EQ(paths.front(), "image");
  EXPECT_EQ(paths[1], "embed");
  EXPECT_THAT(paths, IsSupersetOf({"blocks.0.input", "blocks.3.attn.out", "blocks.3.attn.merged", "blocks.2.mlp.lin1",
                                   "neck.input", "neck.out"}));
  EXPECT_EQ(encoder->sites()[0].layout, Layout::Volume);
  EXPECT_EQ(encoder->sites().back().in_channels, 64);
}

TEST(SamVit, DescribesItsFeatures) {
  const auto features = tiny()->features();
  std::vector<std::string> names;
  for (const auto& feature : features) names.push_back(feature.name);
  EXPECT_THAT(names, ElementsAre("block.0", "block.1", "tap.0", "block.2", "block.3", "tap.1", "embedding"));
  const auto& embedding = spec_of(features, "embedding");
  EXPECT_EQ(embedding.channels, 64);
  EXPECT_THAT(embedding.stride, ElementsAre(1, 4, 4));
  EXPECT_THAT(embedding.frame, ElementsAre(24, 16));
  EXPECT_TRUE(embedding.folded);
  EXPECT_EQ(spec_of(features, "tap.1").channels, 96);
}

TEST(SamVit, ACroppedTableFramesMoreThanThePatch) {
  const auto encoder = tiny(R"("position": "crop", "table": 10)");
  EXPECT_THAT(encoder->features()[0].frame, ElementsAre(40, 40));
  EXPECT_EQ(state_of(*encoder).at("pos_embed").sizes(), (std::vector<int64_t>{1, 10, 10, 96}));
}

// A stem that enlarges the image fourfold makes cells of one pixel of the patch.
TEST(SamVit, StrideCountsPixelsOfThePatchBehindAStem) {
  auto encoder = testing::unsettled_encoder("sam_vit", R"("size": "tiny")", kSmall);
  encoder->settle({3, {2, 96, 64}});
  EXPECT_THAT(encoder->features()[0].stride, ElementsAre(1, 1, 1));
  EXPECT_THAT(encoder->features()[0].frame, ElementsAre(24, 16));
}

TEST(SamVit, KeepsOnlyWhatIsWantedInThePromisedShapes) {
  const auto encoder = tiny();
  const Features features = encoded(*encoder, normal({3, 1, 2, 24, 16}), {"embedding", "tap.1", "block.0"});
  ASSERT_EQ(features.items().size(), 3);
  EXPECT_EQ(features.at("embedding").sizes(), (std::vector<int64_t>{6, 64, 6, 4}));
  EXPECT_EQ(features.at("tap.1").sizes(), (std::vector<int64_t>{6, 96, 6, 4}));
}

TEST(SamVit, FoldsSlicesBatchFirstAndShowsOneChannelAsGrey) {
  const auto encoder = tiny();
  testing::redraw(*encoder);
  const torch::NoGradGuard no_grad;
  const torch::Tensor image = normal({2, 1, 2, 24, 16});
  const torch::Tensor all = encoded(*encoder, image).at("embedding");
  const torch::Tensor one = encoded(*encoder, image[1].narrow(1, 0, 1).unsqueeze(0)).at("embedding");
  EXPECT_LE(largest_difference(all[2].unsqueeze(0), one), 1e-5);
  const auto colour = tiny("", {3, {2, 24, 16}});
  load_state_strictly(*colour, state_of(*encoder), "the grey one");
  EXPECT_LE(largest_difference(encoded(*colour, image.repeat({1, 3, 1, 1, 1})).at("embedding"), all), 1e-5);
}

TEST(SamVit, StartsWithSmallTruncatedNumbersAndZeroRelativePosition) {
  torch::manual_seed(1);
  const auto state = state_of(*tiny());
  const torch::Tensor weight = state.at("blocks.0.mlp.lin1.weight");
  EXPECT_LE(weight.abs().max().item<double>(), 0.04 + 1e-6);
  EXPECT_NEAR(weight.std().item<double>(), 0.0176, 5e-4);  // 0.02 without what lies beyond two spreads
  EXPECT_GT(state.at("pos_embed").std().item<double>(), 0.01);
  for (const char* name : {"blocks.1.attn.rel_pos_h", "blocks.0.attn.qkv.bias", "patch_embed.proj.bias"})
    EXPECT_EQ(state.at(name).abs().max().item<double>(), 0) << name;
}

TEST(SamVit, GradientsReachEveryParameter) {
  for (const char* more : {"", R"("attention": "plain")", R"("checkpoint": true)"}) {
    const auto encoder = tiny(more);
    testing::redraw(*encoder);
    const Features features = encoded(*encoder, normal({1, 1, 2, 24, 16}));
    testing::expect_gradients(*encoder, features.at("embedding").pow(2).mean());
  }
}

TEST(SamVit, CheckpointingAndAttentionChangeNoGradient) {
  const torch::Tensor image = normal({2, 1, 2, 24, 16});
  std::map<std::string, TensorDict> gradients;
  for (const std::string more : {"", R"("attention": "plain")", R"("checkpoint": true)"}) {
    const auto encoder = tiny(more);
    testing::redraw(*encoder);
    const Features features = encoded(*encoder, image, {"embedding", "tap.0"});
    (features.at("embedding").pow(2).mean() + features.at("tap.0").sin().mean()).backward();
    for (const auto& item : encoder->named_parameters()) gradients[more][item.key()] = item.value().grad();
  }
  for (const auto& [name, expected] : gradients.at("")) {
    EXPECT_TRUE(torch::equal(gradients.at(R"("checkpoint": true)").at(name), expected)) << name;
    EXPECT_LE(largest_difference(gradients.at(R"("attention": "plain")").at(name), expected),
              1e-5 * std::max(1.0, expected.abs().max().item<double>()))
        << name;
  }
}

TEST(SamVit, TrainsInMixedPrecisionWithTheSameGradientsUpToRounding) {
  const auto encoder = tiny();
  testing::redraw(*encoder);
  const torch::Tensor image = normal({1, 1, 2, 24, 16});
  testing::expect_same_in_mixed_precision(*encoder, image, "blocks.0.attn.rel_pos_h");
}

TEST(SamVit, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = normal({1, 1, 2, 24, 16});
  testing::expect_reload_equal<Backbone>([] { return tiny(); },
                                         [&](Backbone& encoder) {
                                           const torch::NoGradGuard no_grad;
                                           return encoded(encoder, image).at("embedding");
                                         });
}

// SAMed found global blocks by looking for their digits in the name, so block 12 passed for block 2.
TEST(SamVit, FitsTablesByTheNumberOfTheBlock) {
  const std::string twelve =
      R"("size": "custom", "embed_dim": 8, "depth": 13, "heads": 2, "patch_size": 4, "window": 3, "global_blocks": [2],
         "out_channels": 4, "table": 10)";
  const auto pretrained = sam_encoder(twelve + R"(, "position": "crop", "rel_pos": "runtime")", kSmall);
  testing::redraw(*pretrained);
  StateDict state = state_of(*pretrained);
  EXPECT_EQ(state.at("blocks.2.attn.rel_pos_h").size(0), 19);
  state["blocks.99.attn.rel_pos_h"] = normal({19, 4});
  const auto encoder = sam_encoder(twelve, kSmall);
  const StateDict fitted = encoder->fit_weights(state);
  EXPECT_EQ(fitted.at("pos_embed").sizes(), (std::vector<int64_t>{1, 6, 4, 8}));
  EXPECT_EQ(fitted.at("blocks.2.attn.rel_pos_h").size(0), 11);
  EXPECT_EQ(fitted.at("blocks.2.attn.rel_pos_w").size(0), 7);
  EXPECT_TRUE(torch::equal(fitted.at("blocks.12.attn.rel_pos_h"), state.at("blocks.12.attn.rel_pos_h")));
  EXPECT_EQ(fitted.at("blocks.99.attn.rel_pos_h").size(0), 19) << "there is no such block here";
  EXPECT_FALSE(load_state(*encoder, fitted).complete());
}

TEST(SamVit, SaysThatASmallerTableCannotBeCropped) {
  const auto encoder = tiny(R"("position": "crop", "table": 10)");
  EXPECT_THAT(message_of([&] {
                encoder->fit_weights({{"pos_embed", normal({1, 8, 8, 96})}});
              }),
              HasSubstr("[1 x 8 x 8 x 96], but model.encoder.table asks for 10 x 10"));
  const StateDict larger = encoder->fit_weights({{"pos_embed", normal({1, 12, 12, 96})}});
  EXPECT_TRUE(torch::equal(larger.at("pos_embed"), normal({1, 12, 12, 96}).slice(1, 0, 10).slice(2, 0, 10)));
}

TEST(SamVit, RefusesAPatchThatPatchSizeDoesNotDivide) {
  EXPECT_THAT(message_of([] {
                tiny("", {1, {2, 24, 18}});
              }),
              HasSubstr("train.patch: 18 along x is not divisible by model.encoder.patch_size 4; take 20"));
  EXPECT_THAT(message_of([] { tiny(R"("patch_size": 16)"); }), HasSubstr("24 along y"));
}

TEST(SamVit, NamesTheStemsWhereChannelsDoNotFit) {
  const std::string message = message_of([] { tiny("", {4, {2, 24, 16}}); });
  EXPECT_THAT(message, HasSubstr("the image has 4"));
  for (const char* stem : {"conv_stem", "project", "repeat", "encoder.image"}) EXPECT_THAT(message, HasSubstr(stem));
}

TEST(SamVit, RefusesAGridThatIsLargerThanTheTableToCropFrom) {
  EXPECT_THAT(message_of([] { tiny(R"("position": "crop", "table": 5)"); }),
              HasSubstr("a grid of 6 x 4 tokens cannot be cropped from a table of 5 x 5"));
}

TEST(SamVit, RefusesNumbersThatDoNotGoTogether) {
  EXPECT_THAT(message_of([] { tiny(R"("heads": 5)"); }), HasSubstr("5 heads do not divide embed_dim 96"));
  EXPECT_THAT(message_of([] { tiny(R"("global_blocks": [1, 4])"); }), HasSubstr("there is no block 4"));
  EXPECT_THAT(message_of([] { tiny(R"("global_blocks": [1, 1])"); }), HasSubstr("block 1 stands twice"));
  EXPECT_THAT(message_of([] { sam_encoder(R"("size": "custom", "depth": 2)", kSmall); }),
              HasSubstr("custom needs embed_dim, heads, global_blocks as well"));
  EXPECT_THAT(message_of([] { sam_encoder(R"("size": "medium")", kSmall); }), HasSubstr("model.encoder.size"));
  EXPECT_THAT(message_of([] { tiny(R"("window": 0)"); }), HasSubstr("model.encoder.window"));
}

TEST(SamVit, RefusesAnImageOfAnotherSizeThanItWasBuiltFor) {
  const auto encoder = tiny();
  EXPECT_THAT(message_of([&] { encoded(*encoder, normal({1, 1, 2, 24, 20})); }), HasSubstr("expected [*, 3, 24, 16]"));
}

// Windowed blocks (2) and global ones (3): neighbours are found in true depth.
TEST(SamVit, DepthAdaptersMixSlicesInWindowedAndGlobalBlocks) {
  for (const char* path : {"blocks.2.attn.out", "blocks.3.attn.out", "blocks.2.attn.merged"}) {
    const auto encoder = tiny();
    const auto unit = adapt(*encoder, R"({"type": "depth_conv"})", path);
    testing::redraw(*encoder);
    testing::redraw(*unit, 2);
    testing::expect_depth_mixing({2, 1, 5, 24, 16}, [&](const torch::Tensor& image) {
      return encoded(*encoder, image).at("embedding").unflatten(0, {2, 5}).transpose(1, 2);
    });
  }
}

// The trunk is frozen, so the blocks' inputs need no gradient; the forward's scene is gone when backward comes.
TEST(SamVit, CheckpointedBlocksTrainTheirAdaptersInAFrozenTrunk) {
  const torch::Tensor image = normal({1, 1, 5, 24, 16});
  std::vector<torch::Tensor> gradients;
  for (const char* more : {"", R"("checkpoint": true)"}) {
    const auto encoder = tiny(more);
    for (auto& parameter : encoder->parameters()) parameter.requires_grad_(false);
    const auto unit = adapt(*encoder, R"({"type": "depth_conv"})", "blocks.2.attn.out");
    testing::redraw(*encoder);
    testing::redraw(*unit, 2);
    testing::expect_gradients(*unit, encoded(*encoder, image).at("embedding").pow(2).mean());
    gradients.push_back(unit->parameters()[0].grad());
  }
  EXPECT_TRUE(torch::equal(gradients[0], gradients[1]));
}

TEST(SamVit, DoesNotCheckpointABlockWhoseUnitMustRunOnce) {
  const auto encoder = testing::unsettled_encoder("sam_vit", R"("size": "tiny", "checkpoint": true)", kSmall);
  testing::CountingHook counts;
  encoder->attach(testing::site_called(*encoder, "blocks.1.mid"), counts);
  encoder->settle({1, kSmall.patch});
  encoded(*encoder, normal({1, 1, 2, 24, 16})).at("embedding").sum().backward();
  EXPECT_EQ(counts.calls, 1);
}

}  // namespace
}  // namespace lamina
