// The depth-convolution adapter against its formulas in numpy, and at work in a U-Net.
#include "depth_conv.hpp"

#include "adapter_test.hpp"

namespace lamina {
namespace {

using testing::classes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::slices_unet;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("depth_conv");
  return tensors;
}

Site site_of(Layout layout, int64_t channels = 8, SiteKind kind = SiteKind::Sublayer) {
  return {"blocks.0.attn.out", kind, layout, channels, channels, 1, {}};
}

const HostInfo kEncoder{Room::Encoder, {}, {}};

std::shared_ptr<DepthConvUnit> golden_unit(const DepthConvOptions& options, Layout layout) {
  auto unit = std::make_shared<DepthConvUnit>(options, site_of(layout, 16), kEncoder);
  StateDict weights;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
  }
  load_state_strictly(*unit, weights, "the golden file");
  return unit;
}

torch::Tensor run(DepthConvUnit& unit, Layout layout, const torch::Tensor& input, const torch::Tensor& output,
                  const Axes& axes) {
  torch::NoGradGuard no_grad;
  Scene scene(Mode::Infer);
  return unit.apply({site_of(layout), input, output, axes, scene});
}

Axes axes_of(int64_t batch, int64_t depth, int64_t windows = 1) {
  Axes axes;
  axes.batch = batch;
  axes.depth = depth;
  axes.windows = windows;
  return axes;
}

Axes golden_axes() { return axes_of(2, 3, 4); }

DepthConvOptions released() {
  DepthConvOptions options;
  options.compat = "release";
  return options;
}

TEST(DepthConv, EqualsItsFormulasOnVolumes) {
  const auto unit = golden_unit({}, Layout::Volume);
  const torch::Tensor volume = golden().at("volume");
  EXPECT_LE(testing::largest_difference(run(*unit, Layout::Volume, volume, volume, axes_of(2, 3)),
                                        golden().at("volume.serial")),
            1e-5);
}

TEST(DepthConv, EqualsItsFormulasOnWindowsInTrueDepth) {
  const auto unit = golden_unit({}, Layout::Grid);
  const torch::Tensor grid = golden().at("grid");
  EXPECT_LE(
      testing::largest_difference(run(*unit, Layout::Grid, grid, grid, golden_axes()), golden().at("grid.serial")),
      1e-5);
}

TEST(DepthConv, GroupsWindowsAsTheReleasedCodeDoesWhenAsked) {
  const auto unit = golden_unit(released(), Layout::Grid);
  const torch::Tensor grid = golden().at("grid");
  EXPECT_LE(
      testing::largest_difference(run(*unit, Layout::Grid, grid, grid, golden_axes()), golden().at("grid.release")),
      1e-5);
}

// The released code confuses windows with slices in the encoder only; the queries of the decoder it keeps apart.
TEST(DepthConv, MixesEachQueryWithItselfOnOtherSlicesInBothForms) {
  Axes axes = axes_of(2, 3);
  axes.queries = 4;
  const torch::Tensor grid = golden().at("grid");
  for (const DepthConvOptions& options : {DepthConvOptions(), released()}) {
    const auto unit = golden_unit(options, Layout::Grid);
    EXPECT_LE(testing::largest_difference(run(*unit, Layout::Grid, grid, grid, axes), golden().at("grid.serial")),
              1e-5);
  }
}

// Rows (case, slice, window) that a change of one row reaches.
std::vector<int64_t> rows_reached(DepthConvUnit& unit, int64_t row, const Axes& axes) {
  const torch::Tensor grid = golden().at("grid");
  torch::Tensor changed = grid.clone();
  changed[row] += testing::normal(changed[row].sizes().vec());
  const torch::Tensor difference =
      run(unit, Layout::Grid, changed, changed, axes) - run(unit, Layout::Grid, grid, grid, axes);
  const torch::Tensor rows = difference.abs().flatten(1).amax(1).gt(0).nonzero().flatten();
  return {rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel()};
}

TEST(DepthConv, ReachesTheSameWindowOfNeighbouringSlicesAndNothingElse) {
  const Axes axes = golden_axes();  // row = 12 case + 4 slice + window
  EXPECT_THAT(rows_reached(*golden_unit({}, Layout::Grid), 12 + 4 + 2, axes), ElementsAre(12 + 2, 12 + 6, 12 + 10));
  EXPECT_THAT(rows_reached(*golden_unit({}, Layout::Grid), 0, axes), ElementsAre(0, 4));
  EXPECT_THAT(rows_reached(*golden_unit(released(), Layout::Grid), 0, axes), ElementsAre(0, 1));
}

TEST(DepthConv, ReachesNeighbouringSlicesInGlobalBlocksInBothForms) {
  const Axes axes = axes_of(4, 6);
  for (const DepthConvOptions& options : {DepthConvOptions(), released()})
    EXPECT_THAT(rows_reached(*golden_unit(options, Layout::Grid), 6 + 2, axes), ElementsAre(7, 8, 9));
}

TEST(DepthConv, ReadsTheLayersInputInParallel) {
  DepthConvOptions options;
  options.placement = "parallel";
  options.scale = testing::json("0.5");
  const auto unit = golden_unit(options, Layout::Grid);
  const torch::Tensor result = run(*unit, Layout::Grid, golden().at("layer_input"), golden().at("grid"), golden_axes());
  EXPECT_LE(testing::largest_difference(result, golden().at("grid.parallel_half")), 1e-5);
}

TEST(DepthConv, LearnsItsScaleFromOneOrInParallelFromOneHalf) {
  DepthConvOptions options;
  options.scale = testing::json("\"learned\"");
  DepthConvUnit serial(options, site_of(Layout::Grid), kEncoder);
  EXPECT_EQ(serial.named_parameters()["scale"].item<double>(), 1);
  options.placement = "parallel";
  DepthConvUnit parallel(options, site_of(Layout::Grid), kEncoder);
  EXPECT_EQ(parallel.named_parameters()["scale"].item<double>(), 0.5);
  testing::redraw(parallel);
  const torch::Tensor input = testing::normal({6, 4, 5, 8}), output = testing::normal({6, 4, 5, 8}, 2);
  Scene scene(Mode::Train);
  const Axes axes = axes_of(2, 3);
  const torch::Tensor result = parallel.apply({site_of(Layout::Grid), input, output, axes, scene});
  testing::expect_gradients(parallel, result.pow(2).mean());
}

// Two of them sit in each block: 2 * 12 * 301,632 = 7.24 million in ViT-B, 2 * 32 * 830,400 = 53.1 million in ViT-H.
TEST(DepthConv, HasAsManyParametersAsThePaperNeeds) {
  for (const auto& [channels, expected] : {std::pair<int64_t, int64_t>{768, 301632}, {1280, 830400}})
    EXPECT_EQ(testing::parameter_count(DepthConvUnit({}, site_of(Layout::Grid, channels), kEncoder)), expected);
}

TEST(DepthConv, StartsAsTheIdentityUnlessTorchsStartIsAskedFor) {
  const torch::Tensor volume = testing::normal({1, 8, 3, 4, 4});
  DepthConvUnit zero({}, site_of(Layout::Volume), kEncoder);
  EXPECT_TRUE(torch::equal(run(zero, Layout::Volume, volume, volume, axes_of(1, 3)), volume));
  DepthConvOptions options;
  options.init = "default";
  DepthConvUnit standard(options, site_of(Layout::Volume), kEncoder);
  EXPECT_GT(testing::largest_difference(run(standard, Layout::Volume, volume, volume, axes_of(1, 3)), volume), 1e-3);
}

TEST(DepthConv, TakesAFullConvolutionToo) {
  DepthConvOptions options;
  options.depthwise = false;
  options.kernel = {3, 1, 1};
  DepthConvUnit unit(options, site_of(Layout::Volume), kEncoder);
  EXPECT_EQ(unit.named_parameters()["T_DWconv.weight"].sizes(), (std::vector<int64_t>{2, 2, 3, 1, 1}));
}

TEST(DepthConv, LeavesTheNetworkAsItWasAtTheStart) {
  torch::manual_seed(1);
  const auto plain = testing::build_model(slices_unet(""), {1, 2, {4, 16, 16}});
  const auto adapted = testing::build_model(slices_unet(R"("depth_conv")"), {1, 2, {4, 16, 16}});
  load_state(*adapted, state_of(*plain));
  const torch::Tensor image = testing::normal({2, 1, 4, 16, 16});
  EXPECT_EQ(testing::largest_difference(classes(*plain, image), classes(*adapted, image)), 0);
}

TEST(DepthConv, MixesSlicesOfOneCaseInATwoDimensionalNetwork) {
  const auto model = testing::build_model(slices_unet(R"({"type": "depth_conv", "at": "encoder.stages.1.output"})"),
                                          {1, 2, {5, 16, 16}});
  testing::redraw(*model);
  testing::expect_depth_mixing({2, 1, 5, 16, 16}, [&](const torch::Tensor& image) { return classes(*model, image); });
}

TEST(DepthConv, SlicesStayAloneWithoutIt) {
  const auto model = testing::build_model(slices_unet(""), {1, 2, {3, 16, 16}});
  testing::redraw(*model);
  torch::Tensor image = testing::normal({1, 1, 3, 16, 16});
  const torch::Tensor before = classes(*model, image);
  image.select(2, 1).add_(1.0 + testing::normal({1, 1, 16, 16}, 3));
  const torch::Tensor difference = (classes(*model, image) - before).abs();
  EXPECT_EQ(difference.select(2, 0).max().item<double>(), 0);
  EXPECT_GT(difference.select(2, 1).max().item<double>(), 0);
}

TEST(DepthConv, GradientsReachEveryParameter) {
  const auto model = testing::build_model(slices_unet(R"("depth_conv")"), {1, 2, {4, 16, 16}});
  testing::redraw(*model);
  testing::expect_gradients(*model, classes(*model, testing::normal({2, 1, 4, 16, 16})).pow(2).mean());
}

TEST(DepthConv, NamesItsParametersBySite) {
  const auto model = testing::build_model(slices_unet(R"({"type": "depth_conv", "id": "depth"})"), {1, 2, {4, 16, 16}});
  EXPECT_TRUE(model->named_parameters().contains("adapters.depth.encoder/stages/1/output.D_fc1.weight"));
}

TEST(DepthConv, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = testing::normal({1, 1, 4, 16, 16});
  testing::expect_reload_equal<Model>(
      [] {
        return testing::build_model(slices_unet(R"("depth_conv")"), {1, 2, {4, 16, 16}});
      },
      [&](Model& model) { return classes(model, image).detach(); });
}

TEST(DepthConv, RefusesSitesWithoutAGrid) {
  DepthConv adapter({}, {});
  EXPECT_THAT(testing::message_of([&] { adapter.attach(site_of(Layout::Tokens), kEncoder); }),
              HasSubstr("list of tokens"));
  Site projection = site_of(Layout::Grid, 8, SiteKind::Projection);
  EXPECT_THAT(testing::message_of([&] { adapter.attach(projection, kEncoder); }), HasSubstr("single linear map"));
  const PromptSpec ragged{{PromptKind::Points}, 0};
  EXPECT_THAT(testing::message_of([&] {
                adapter.attach(site_of(Layout::Grid), {Room::Decoder, {}, ragged});
              }),
              HasSubstr("differs from slice to slice"));
}

TEST(DepthConv, RefusesAnEvenKernel) {
  EXPECT_THAT(
      testing::message_of([] {
        testing::build_model(slices_unet(R"({"type": "depth_conv", "kernel": [2, 3, 3]})"), {1, 2, {4, 16, 16}});
      }),
      HasSubstr("kernel"));
}

TEST(DepthConv, RefusesAScaleThatIsNeitherANumberNorLearned) {
  for (const char* scale : {"\"lerned\"", "11", "[1]"}) {
    EXPECT_THAT(testing::message_of([&] {
                  testing::build_model(slices_unet(text(R"({"type": "depth_conv", "scale": )", scale, "}")),
                                       {1, 2, {4, 16, 16}});
                }),
                HasSubstr("scale: got " + std::string(scale)));
  }
}

}  // namespace
}  // namespace lamina
