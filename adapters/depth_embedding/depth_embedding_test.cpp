// The depth embedding against slice-by-slice sums in numpy, and at work in a U-Net.
#include "depth_embedding.hpp"

#include "adapter_test.hpp"

namespace lamina {
namespace {

using testing::classes;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("depth_embedding");
  return tensors;
}

Site site_of(int64_t channels = 5, Layout layout = Layout::Grid, SiteKind kind = SiteKind::Stream) {
  return {"embed", kind, layout, channels, channels, 1, {}};
}

// An encoder whose embedding has cells of `stride` pixels.
HostInfo decoder(double stride, int64_t channels = 5) {
  FeatureSpec spec;
  spec.name = "embedding";
  spec.channels = channels;
  spec.stride = {1, stride, stride};
  spec.folded = true;
  return {Room::Decoder, {spec}, {}};
}

torch::Tensor run(SiteHook& unit, const torch::Tensor& stream, int64_t batch = 2, int64_t depth = 3) {
  torch::NoGradGuard no_grad;
  Axes axes;
  axes.batch = batch;
  axes.depth = depth;
  Scene scene(Mode::Infer);
  return unit.apply({site_of(), stream, stream, axes, scene});
}

DepthEmbedding adapter(bool spatial, const Size3& patch = {3, 8, 16}) {
  DepthEmbeddingOptions options;
  options.spatial = spatial;
  return DepthEmbedding(options, {patch, 2});
}

void give(AdapterUnit& unit, const char* name) {
  load_state_strictly(unit, {{"temporal_embedding", golden().at(name)}}, "the golden file");
}

TEST(DepthEmbedding, AddsOneVectorToEachSlice) {
  const auto unit = adapter(false).attach(site_of(), {Room::Encoder, {}, {}});
  give(*unit, "vectors");
  EXPECT_LE(testing::largest_difference(run(*unit, golden().at("tokens")), golden().at("tokens.moved")), 1e-6);
}

TEST(DepthEmbedding, TurnsOnePositionTableIntoOnePerSlice) {
  const auto unit = adapter(true).attach(site_of(), decoder(4));
  give(*unit, "maps");
  EXPECT_LE(testing::largest_difference(run(*unit, golden().at("table")), golden().at("table.per_slice")), 1e-6);
}

TEST(DepthEmbedding, TakesATableThatAnotherUnitHasMadePerSliceAlready) {
  const auto first = adapter(true).attach(site_of(), decoder(4)), second = adapter(true).attach(site_of(), decoder(4));
  give(*first, "maps");
  give(*second, "maps");
  const torch::Tensor once = run(*first, golden().at("table"));
  EXPECT_LE(testing::largest_difference(run(*second, once) - once, once - golden().at("table")), 1e-5);
}

TEST(DepthEmbedding, KeepsWindowsAndQueriesOfASliceTogether) {
  const auto unit = adapter(false).attach(site_of(), {Room::Encoder, {}, {}});
  give(*unit, "vectors");
  Axes axes;
  axes.batch = 2;
  axes.depth = 3;
  axes.windows = 4;
  Scene scene(Mode::Infer);
  const torch::Tensor zeros = torch::zeros({24, 2, 2, 5});
  SiteHook& hook = *unit;
  const torch::Tensor moved = hook.apply({site_of(), zeros, zeros, axes, scene});
  for (const int64_t row : {0, 5, 11, 12, 23})  // row = 12 case + 4 slice + window
    EXPECT_TRUE(torch::equal(moved[row][1][0], golden().at("vectors")[0][row % 12 / 4])) << row;
}

TEST(DepthEmbedding, StartsAtZeroWithTheSizesOfThePaper) {
  const auto vectors = adapter(false, {9, 512, 512}).attach(site_of(1280), {Room::Encoder, {}, {}});
  EXPECT_THAT(vectors->named_parameters()["temporal_embedding"].sizes(), ElementsAre(1, 9, 1280));
  struct Setting {
    Size3 patch;
    double stride;
    int64_t parameters;
  };
  // ACDC (the stem enlarges by 4), AMOS, Synapse: T * 256 * g^2
  for (const auto& [patch, stride, parameters] :
       {Setting{{4, 256, 256}, 4, 4194304}, {{9, 512, 512}, 16, 2359296}, {{26, 256, 256}, 16, 1703936}}) {
    const auto maps = adapter(true, patch).attach(site_of(256), decoder(stride, 256));
    EXPECT_EQ(testing::parameter_count(*maps), parameters);
    EXPECT_EQ(maps->named_parameters()["temporal_embedding"].abs().max().item<double>(), 0);
  }
}

TEST(DepthEmbedding, ChoosesItsSiteByItsForm) {
  EXPECT_THAT(adapter(false).default_sites(), ElementsAre("encoder.embed"));
  EXPECT_THAT(adapter(true).default_sites(), ElementsAre("decoder.dense_pe"));
}

std::string two_dimensional() {
  return testing::slices_unet(R"({"type": "depth_embedding", "at": ["encoder.stages.*.output"]})");
}

TEST(DepthEmbedding, GradientsReachIt) {
  const auto model = testing::build_model(two_dimensional(), {1, 2, {4, 16, 16}});
  testing::redraw(*model);
  testing::expect_gradients(*model, classes(*model, testing::normal({2, 1, 4, 16, 16})).pow(2).mean());
}

TEST(DepthEmbedding, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = testing::normal({1, 1, 4, 16, 16});
  testing::expect_reload_equal<Model>(
      [] {
        return testing::build_model(two_dimensional(), {1, 2, {4, 16, 16}});
      },
      [&](Model& model) { return classes(model, image).detach(); });
}

TEST(DepthEmbedding, RefusesAnotherDepthAndAnotherGridInWords) {
  const auto vectors = adapter(false).attach(site_of(), {Room::Encoder, {}, {}});
  EXPECT_THAT(testing::message_of([&] {
                run(*vectors, torch::zeros({8, 2, 4, 5}), 2, 4);
              }),
              HasSubstr("was built for 3 slices (train.patch) and got 4"));
  const auto maps = adapter(true).attach(site_of(), decoder(4));
  EXPECT_THAT(testing::message_of([&] {
                run(*maps, torch::zeros({1, 4, 4, 5}));
              }),
              HasSubstr("got the shape [6, 4, 4, 5], expected [6, 2, 4, 5]"));
}

TEST(DepthEmbedding, RefusesSitesWithoutAGrid) {
  const auto refusal = [](bool spatial, const Site& site, const HostInfo& host) {
    return testing::message_of([&] { adapter(spatial).attach(site, host); });
  };
  EXPECT_THAT(refusal(false, site_of(5, Layout::Volume), {Room::Encoder, {}, {}}), HasSubstr("encoder.embed"));
  EXPECT_THAT(refusal(false, site_of(5, Layout::Grid, SiteKind::Projection), {Room::Encoder, {}, {}}),
              HasSubstr("encoder.embed"));
  EXPECT_THAT(refusal(true, site_of(), {Room::Encoder, {}, {}}), HasSubstr("only at sites of a decoder"));
}

}  // namespace
}  // namespace lamina
