// MA-SAM's 3D adapter against its formulas in numpy (tests/parity/make_conv3d_serial.py), and at work in SAM's encoder.
#include "conv3d_serial.hpp"

#include "adapter_test.hpp"

namespace lamina {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::largest_difference;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("conv3d_serial");
  return tensors;
}

const HostInfo kEncoder{Room::Encoder, {}, {}};

Site site_of(Layout layout, int64_t channels = 8, SiteKind kind = SiteKind::Stream) {
  return {"blocks.0.input", kind, layout, channels, channels, 1, {}};
}

Conv3dSerialOptions options_of(int64_t channels) {
  Conv3dSerialOptions options;
  options.channels = channels;
  return options;
}

std::shared_ptr<Conv3dSerialUnit> golden_unit(Layout layout) {
  auto unit = std::make_shared<Conv3dSerialUnit>(options_of(6), site_of(layout), kEncoder);
  StateDict weights;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
  }
  load_state_strictly(*unit, weights, "the golden file");
  return unit;
}

torch::Tensor run(Conv3dSerialUnit& unit, Layout layout, const torch::Tensor& stream, const Axes& axes) {
  const torch::NoGradGuard no_grad;
  Scene scene(Mode::Infer);
  return unit.apply({site_of(layout), stream, stream, axes, scene});
}

/// Rows (batch 2, depth 3, queries or windows 2).
Axes golden_axes(bool windows = false) {
  Axes axes;
  axes.batch = 2;
  axes.depth = 3;
  (windows ? axes.windows : axes.queries) = 2;
  return axes;
}

TEST(Conv3dSerial, EqualsItsFormulasOnGridsAndVolumes) {
  for (const bool windows : {false, true}) {
    const torch::Tensor result =
        run(*golden_unit(Layout::Grid), Layout::Grid, golden().at("grid"), golden_axes(windows));
    EXPECT_LE(largest_difference(result, golden().at("grid.output")), 1e-5);
  }
  const torch::Tensor volume = run(*golden_unit(Layout::Volume), Layout::Volume, golden().at("volume"), golden_axes());
  EXPECT_LE(largest_difference(volume, golden().at("volume.output")), 1e-5);
}

TEST(Conv3dSerial, ReachesNeighbouringSlicesOfItsCaseAndNothingElse) {
  const auto unit = golden_unit(Layout::Grid);
  Axes axes;
  axes.batch = 3;
  axes.depth = 4;
  const torch::Tensor grid = golden().at("grid");  // rows 4 case + slice
  torch::Tensor changed = grid.clone();
  changed[4 + 1] += testing::normal({2, 3, 8});
  const torch::Tensor difference = run(*unit, Layout::Grid, changed, axes) - run(*unit, Layout::Grid, grid, axes);
  const torch::Tensor rows = difference.abs().flatten(1).amax(1).gt(0).nonzero().flatten();
  EXPECT_THAT(std::vector<int64_t>(rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel()),
              ElementsAre(4, 5, 6));
}

// One kernel of 3x1x1: a pixel sees the same pixel of other slices only.
TEST(Conv3dSerial, KeepsPixelsApart) {
  const auto unit = golden_unit(Layout::Volume);
  const torch::Tensor volume = golden().at("volume");
  torch::Tensor changed = volume.clone();
  changed.select(3, 1).select(3, 2) += 1.0;
  const torch::Tensor difference =
      run(*unit, Layout::Volume, changed, golden_axes()) - run(*unit, Layout::Volume, volume, golden_axes());
  const torch::Tensor pixels = difference.abs().amax({0, 1, 2}).gt(0).nonzero();
  ASSERT_EQ(pixels.size(0), 1);
  EXPECT_TRUE(torch::equal(pixels[0], torch::tensor({1, 2})));
}

// The sheet of MA-SAM: two in each block, 24.8, 59.1 and 91.4 million in ViT-B, -L and -H.
TEST(Conv3dSerial, HasTheNamesAndSizesOfMaSam) {
  for (const auto& [width, expected] : {std::pair<int64_t, int64_t>{768, 1034112}, {1024, 1231232}, {1280, 1428352}}) {
    const Conv3dSerialUnit unit({}, site_of(Layout::Grid, width), kEncoder);
    EXPECT_EQ(testing::parameter_count(unit), expected);
    const StateDict state = state_of(unit);
    EXPECT_EQ(state.size(), 6U);
    EXPECT_THAT(state.at("adapter_norm.weight").sizes(), ElementsAre(width));
    EXPECT_THAT(state.at("adapter_norm.bias").sizes(), ElementsAre(width));
    EXPECT_THAT(state.at("adapter_linear_down.weight").sizes(), ElementsAre(384, width));
    EXPECT_THAT(state.at("adapter_conv.weight").sizes(), ElementsAre(384, 384, 3, 1, 1));
    EXPECT_THAT(state.at("adapter_conv.bias").sizes(), ElementsAre(384));
    EXPECT_THAT(state.at("adapter_linear_up.weight").sizes(), ElementsAre(width, 384));
  }
}

TEST(Conv3dSerial, TakesADepthwiseConvolutionToo) {
  Conv3dSerialOptions options = options_of(6);
  options.depthwise = true;
  options.kernel = {3, 3, 3};
  const Conv3dSerialUnit unit(options, site_of(Layout::Grid), kEncoder);
  EXPECT_THAT(state_of(unit).at("adapter_conv.weight").sizes(), ElementsAre(6, 1, 3, 3, 3));
}

TEST(Conv3dSerial, StartsAsTheIdentityUnlessTheReleasedFormIsAskedFor) {
  const torch::Tensor grid = golden().at("grid");
  Conv3dSerialUnit zero(options_of(6), site_of(Layout::Grid), kEncoder);
  EXPECT_TRUE(torch::equal(run(zero, Layout::Grid, grid, golden_axes()), grid));
  Conv3dSerialOptions options = options_of(6);
  options.compat = "release";
  Conv3dSerialUnit released(options, site_of(Layout::Grid), kEncoder);
  EXPECT_GT(largest_difference(run(released, Layout::Grid, grid, golden_axes()), grid), 1e-3);
}

std::string adapted(const std::string& options = "") {
  return R"({"encoder": {"type": "sam_vit", "size": "tiny"}, "adapters": [{"type": "conv3d_serial", "id": "depth", "channels": 12)" +
         options +
         R"(}], "decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 4, "mlp_channels": 16}})";
}

// Windowed and global blocks; weights that are not zero.
TEST(Conv3dSerial, MixesSlicesOfOneCaseInSamsEncoder) {
  const auto model = testing::build_model(adapted(), {1, 3, {5, 64, 64}});
  testing::redraw(*model);
  testing::expect_depth_mixing({2, 1, 5, 64, 64},
                               [&](const torch::Tensor& image) { return testing::classes(*model, image); });
}

// A block at a time: one alone must reach its neighbours, wherever it sits.
TEST(Conv3dSerial, MixesSlicesInEveryBlock) {
  const auto plain = testing::build_model(adapted(), {1, 3, {5, 64, 64}});
  for (const SiteUse& use : plain->site_uses()) {
    if (use.adapters.empty()) continue;
    const auto model = testing::build_model(adapted(text(R"(, "at": ")", use.path, '"')), {1, 3, {5, 64, 64}});
    testing::redraw(*model);
    testing::expect_depth_mixing({2, 1, 5, 64, 64},
                                 [&](const torch::Tensor& image) { return testing::classes(*model, image); });
  }
}

TEST(Conv3dSerial, GradientsReachEveryParameter) {
  const auto unit = golden_unit(Layout::Grid);
  testing::redraw(*unit);
  Scene scene(Mode::Train);
  const Axes axes = golden_axes();
  const torch::Tensor grid = golden().at("grid");
  testing::expect_gradients(*unit, unit->apply({site_of(Layout::Grid), grid, grid, axes, scene}).pow(2).mean());
}

TEST(Conv3dSerial, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = testing::normal({1, 1, 3, 64, 64});
  testing::expect_reload_equal<Model>(
      [] {
        return testing::build_model(adapted(), {1, 3, {3, 64, 64}});
      },
      [&](Model& model) { return testing::classes(model, image).detach(); });
}

TEST(Conv3dSerial, RefusesWhatItCannotMix) {
  Conv3dSerial adapter({}, {});
  const auto refusal = [&](const Site& site, const HostInfo& host) {
    return testing::message_of([&] { adapter.attach(site, host); });
  };
  EXPECT_THAT(refusal(site_of(Layout::Tokens), kEncoder), HasSubstr("list of tokens"));
  EXPECT_THAT(refusal(site_of(Layout::Grid, 8, SiteKind::Projection), kEncoder), HasSubstr("single linear map"));
  EXPECT_THAT(refusal(site_of(Layout::Grid), {Room::Decoder, {}, {{PromptKind::Points}, 0}}),
              HasSubstr("differs from slice to slice"));
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(adapted(R"(, "kernel": [2, 1, 1])"), {1, 3, {3, 64, 64}});
              }),
              HasSubstr("kernel"));
}

}  // namespace
}  // namespace lamina
