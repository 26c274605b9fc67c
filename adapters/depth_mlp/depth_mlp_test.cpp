// The depth-perceptron adapter against its formulas in numpy, and at work in a U-Net.
#include "depth_mlp.hpp"

#include "adapter_test.hpp"

namespace lamina {
namespace {

using testing::classes;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("depth_mlp");
  return tensors;
}

constexpr int64_t kDepth = 3;
const HostInfo kDecoder{Room::Decoder, {}, {{PromptKind::Boxes}, 4}};

Site site_of(Layout layout, int64_t channels = 16, SiteKind kind = SiteKind::Sublayer) {
  return {"layers.0.self_attn.out", kind, layout, channels, channels, 1, {}};
}

std::shared_ptr<DepthMlpUnit> golden_unit(const DepthMlpOptions& options, Layout layout) {
  auto unit = std::make_shared<DepthMlpUnit>(options, kDepth, site_of(layout), kDecoder);
  StateDict weights;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
  }
  load_state_strictly(*unit, weights, "the golden file");
  return unit;
}

torch::Tensor run(DepthMlpUnit& unit, Layout layout, const torch::Tensor& input, const torch::Tensor& output,
                  const Axes& axes) {
  torch::NoGradGuard no_grad;
  Scene scene(Mode::Infer);
  return unit.apply({site_of(layout, input.size(-1)), input, output, axes, scene});
}

// Rows (batch 2, depth 3, queries 4), or the same with windows.
Axes golden_axes(bool windows = false) {
  Axes axes;
  axes.batch = 2;
  axes.depth = kDepth;
  (windows ? axes.windows : axes.queries) = 4;
  return axes;
}

TEST(DepthMlp, EqualsItsFormulasOnThePromptsOfADecoder) {
  const auto unit = golden_unit({}, Layout::Tokens);
  const torch::Tensor tokens = golden().at("tokens");
  EXPECT_LE(testing::largest_difference(run(*unit, Layout::Tokens, tokens, tokens, golden_axes()),
                                        golden().at("tokens.serial")),
            1e-5);
}

TEST(DepthMlp, EqualsItsFormulasOnTheWindowsOfAnEncoder) {
  const auto unit = golden_unit({}, Layout::Grid);
  const torch::Tensor grid = golden().at("grid");
  EXPECT_LE(
      testing::largest_difference(run(*unit, Layout::Grid, grid, grid, golden_axes(true)), golden().at("grid.serial")),
      1e-5);
}

TEST(DepthMlp, ReadsTheLayersInputInParallel) {
  DepthMlpOptions options;
  options.placement = "parallel";
  options.scale = testing::json("0.5");
  const auto unit = golden_unit(options, Layout::Tokens);
  const torch::Tensor result =
      run(*unit, Layout::Tokens, golden().at("layer_input"), golden().at("tokens"), golden_axes());
  EXPECT_LE(testing::largest_difference(result, golden().at("tokens.parallel_half")), 1e-5);
}

TEST(DepthMlp, ReachesTheSameQueryOnEverySliceAndNothingElse) {
  const auto unit = golden_unit({}, Layout::Tokens);
  const torch::Tensor tokens = golden().at("tokens");
  torch::Tensor changed = tokens.clone();
  changed[12 + 4 + 2] += testing::normal({5, 16});  // row = 12 case + 4 slice + query
  const torch::Tensor difference = run(*unit, Layout::Tokens, changed, changed, golden_axes()) -
                                   run(*unit, Layout::Tokens, tokens, tokens, golden_axes());
  const torch::Tensor rows = difference.abs().flatten(1).amax(1).gt(0).nonzero().flatten();
  EXPECT_THAT(std::vector<int64_t>(rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel()),
              ElementsAre(12 + 2, 12 + 6, 12 + 10));
}

TEST(DepthMlp, StartsAsTheIdentityUnlessTheReleasedFormIsAskedFor) {
  const torch::Tensor tokens = golden().at("tokens");
  DepthMlpUnit zero({}, kDepth, site_of(Layout::Tokens), kDecoder);
  EXPECT_TRUE(torch::equal(run(zero, Layout::Tokens, tokens, tokens, golden_axes()), tokens));
  DepthMlpOptions options;
  options.compat = "release";
  DepthMlpUnit released(options, kDepth, site_of(Layout::Tokens), kDecoder);
  EXPECT_GT(testing::largest_difference(run(released, Layout::Tokens, tokens, tokens, golden_axes()), tokens), 1e-3);
}

// 2 * 256 * 64 + 256 + 64 for the bottleneck, T * 4T + 4T + 4T * T + T for the slices.
TEST(DepthMlp, HasTheParametersOfItsWidthAndDepth) {
  const DepthMlpUnit unit({}, 4, site_of(Layout::Tokens, 256), kDecoder);
  EXPECT_EQ(testing::parameter_count(unit), 33088 + 148);
}

std::string two_dimensional(const std::string& options = "") {
  return testing::slices_unet(R"({"type": "depth_mlp", "at": ["encoder.stages.*.output"])" + options + "}");
}

TEST(DepthMlp, MixesSlicesOfOneCaseInATwoDimensionalNetwork) {
  const auto model = testing::build_model(two_dimensional(), {1, 2, {5, 16, 16}});
  testing::redraw(*model);
  testing::expect_depth_mixing({2, 1, 5, 16, 16}, [&](const torch::Tensor& image) { return classes(*model, image); });
}

TEST(DepthMlp, GradientsReachEveryParameter) {
  const auto model = testing::build_model(two_dimensional(R"(, "scale": "learned")"), {1, 2, {4, 16, 16}});
  testing::redraw(*model);
  testing::expect_gradients(*model, classes(*model, testing::normal({2, 1, 4, 16, 16})).pow(2).mean());
}

TEST(DepthMlp, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = testing::normal({1, 1, 4, 16, 16});
  testing::expect_reload_equal<Model>(
      [] {
        return testing::build_model(two_dimensional(), {1, 2, {4, 16, 16}});
      },
      [&](Model& model) { return classes(model, image).detach(); });
}

TEST(DepthMlp, RefusesVolumesOfAnotherDepthThanThePatchInWords) {
  const auto model = testing::build_model(two_dimensional(), {1, 2, {4, 16, 16}});
  EXPECT_THAT(testing::message_of([&] {
                classes(*model, testing::normal({1, 1, 3, 16, 16}));
              }),
              HasSubstr("was built for 4 slices (train.patch) and got 3"));
}

TEST(DepthMlp, RefusesSitesWithoutAFixedNumberOfSlices) {
  DepthMlp adapter({}, {{4, 16, 16}, 2});
  const auto refusal = [&](const Site& site, const HostInfo& host) {
    return testing::message_of([&] { adapter.attach(site, host); });
  };
  EXPECT_THAT(refusal(site_of(Layout::Volume), kDecoder), HasSubstr("depth_conv is for those"));
  EXPECT_THAT(refusal(site_of(Layout::Tokens, 8, SiteKind::Projection), kDecoder), HasSubstr("single linear map"));
  EXPECT_THAT(refusal(site_of(Layout::Tokens), {Room::Decoder, {}, {{PromptKind::Points}, 0}}),
              HasSubstr("differs from slice to slice"));
}

TEST(DepthMlp, RefusesOptionsOutOfRange) {
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(two_dimensional(R"(, "ratio": 0)"), {1, 2, {4, 16, 16}});
              }),
              HasSubstr("ratio"));
  EXPECT_THAT(testing::message_of([] {
                testing::build_model(two_dimensional(R"(, "scale": -1)"), {1, 2, {4, 16, 16}});
              }),
              HasSubstr("scale: got -1, expected a number from 0 to 10"));
}

}  // namespace
}  // namespace lamina
