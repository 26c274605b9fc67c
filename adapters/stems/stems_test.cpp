// The stems: conv_stem against torch's own modules, the simple ones against what they say.
#include "conv_stem.hpp"
#include "simple_stems.hpp"

#include "adapter_test.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("stems");
  return tensors;
}

const HostInfo kEncoder{Room::Encoder, {}, {}};

Site image_site(int64_t channels, SiteKind kind = SiteKind::Stream, Layout layout = Layout::Volume) {
  return {"image", kind, layout, channels, channels, 1, {}};
}

std::shared_ptr<AdapterUnit> unit_of(const std::string& entry, int64_t channels) {
  const auto adapter =
      testing::registry().create<Adapter>(testing::json(entry), "model.adapters[stem]", {{3, 4, 5}, 2});
  return adapter->attach(image_site(channels), kEncoder);
}

torch::Tensor run(SiteHook& unit, const torch::Tensor& image) {
  Axes axes;
  axes.batch = image.size(0);
  axes.depth = image.size(2);
  Scene scene(Mode::Infer);
  const Site site = image_site(image.size(1));
  return unit.apply({site, image, image, axes, scene});
}

StateDict weights_of(const std::string& form) {
  const std::string prefix = form + ".weights.";
  StateDict weights;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with(prefix)) weights["first_conv." + name.substr(prefix.size())] = tensor;
  }
  return weights;
}

TEST(ConvStem, EqualsTheReleasedFormsAndItsParametersHaveTheirNumbers) {
  for (const auto& [upsample, dimensions] : {std::pair{1, 3}, {2, 3}, {4, 3}, {1, 2}, {4, 2}}) {
    const std::string form = text(upsample, ".", dimensions, "d");
    SCOPED_TRACE(form);
    const auto unit = unit_of(
        text(R"({"type": "conv_stem", "channels": 4, "upsample": )", upsample, R"(, "dimensions": )", dimensions, "}"),
        2);
    load_state_strictly(*unit, weights_of(form), "the golden file");
    EXPECT_LE(testing::largest_difference(run(*unit, golden().at("image")), golden().at(form + ".output")), 1e-5);
  }
}

TEST(ConvStem, TellsTheEncoderTheEnlargedShape) {
  const Shape shape = unit_of(R"({"type": "conv_stem", "upsample": 4})", 1)->reshape({1, {4, 256, 192}});
  EXPECT_EQ(shape.channels, 3);
  EXPECT_EQ(shape.size, (std::array<int64_t, 3>{4, 1024, 768}));
}

// 27*8 + 8, 2*8, 27*8*3 + 3, 2*3; and enlarging 27*16 + 16, (4*16 + 1)*16 + 2*16, (4*16 + 1)*32 + 2*32, (27*32 + 1)*(32
// + 3).
TEST(ConvStem, HasTheParametersOfThePapersTwoForms) {
  EXPECT_EQ(testing::parameter_count(*unit_of(R"({"type": "conv_stem"})", 1)), 897);
  EXPECT_EQ(testing::parameter_count(*unit_of(R"({"type": "conv_stem", "upsample": 4})", 1)),
            448 + 1040 + 32 + 2080 + 64 + 30275);
}

TEST(ConvStem, MixesSlicesInThreeDimensionsOnly) {
  for (const int64_t dimensions : {2, 3}) {
    const auto unit = unit_of(text(R"({"type": "conv_stem", "dimensions": )", dimensions, "}"), 1);
    testing::redraw(*unit);
    torch::NoGradGuard no_grad;
    torch::Tensor image = testing::normal({2, 1, 3, 8, 8});
    const torch::Tensor before = run(*unit, image);
    image[0].select(1, 1) += testing::normal({1, 8, 8}, 2);
    const torch::Tensor difference = (run(*unit, image) - before).abs();
    EXPECT_EQ(difference[0].select(1, 0).max().item<double>() > 0, dimensions == 3);
    EXPECT_GT(difference[0].select(1, 1).max().item<double>(), 0);
    EXPECT_EQ(difference[1].max().item<double>(), 0);
  }
}

TEST(ConvStem, GradientsReachEveryParameter) {
  for (const char* entry : {R"({"type": "conv_stem"})", R"({"type": "conv_stem", "upsample": 2})"}) {
    const auto unit = unit_of(entry, 2);
    testing::redraw(*unit);
    testing::expect_gradients(*unit, run(*unit, golden().at("image")).pow(3).mean());
  }
}

TEST(ConvStem, ComputesTheSameAfterSavingAndLoading) {
  testing::expect_reload_equal<AdapterUnit>([] { return unit_of(R"({"type": "conv_stem", "upsample": 4})", 2); },
                                            [](AdapterUnit& unit) { return run(unit, golden().at("image")).detach(); });
}

TEST(ConvStem, RefusesOtherFactors) {
  EXPECT_THAT(testing::message_of([] { unit_of(R"({"type": "conv_stem", "upsample": 3})", 1); }),
              HasSubstr("upsample: got 3, expected 1, 2 or 4"));
  EXPECT_THAT(testing::message_of([] { unit_of(R"({"type": "conv_stem", "upsample": 8})", 1); }),
              HasSubstr("upsample"));
}

TEST(Repeat, ShowsOneChannelThreeTimesAndLetsThreePass) {
  const torch::Tensor gray = testing::normal({2, 1, 3, 4, 5}), colour = testing::normal({2, 3, 3, 4, 5});
  const torch::Tensor repeated = run(*unit_of(R"("repeat")", 1), gray);
  ASSERT_EQ(repeated.sizes(), (std::vector<int64_t>{2, 3, 3, 4, 5}));
  for (int64_t c = 0; c < 3; ++c) EXPECT_TRUE(torch::equal(repeated.select(1, c), gray.select(1, 0)));
  EXPECT_TRUE(torch::equal(run(*unit_of(R"("repeat")", 3), colour), colour));
  EXPECT_THAT(testing::message_of([] { unit_of(R"("repeat")", 2); }), HasSubstr("this dataset has 2"));
}

TEST(Project, StartsAsTheMeanAndLearnsAnyLinearMap) {
  const torch::Tensor image = golden().at("image");
  const auto unit = unit_of(R"("project")", 2);
  EXPECT_LE(testing::largest_difference(run(*unit, image), image.mean(1, true).expand({-1, 3, -1, -1, -1})), 1e-6);
  testing::redraw(*unit);
  const auto parameters = unit->named_parameters();
  const torch::Tensor expected = torch::einsum("bczyx,oc->bozyx", {image, parameters["conv.weight"].flatten(1)}) +
                                 parameters["conv.bias"].view({1, 3, 1, 1, 1});
  EXPECT_LE(testing::largest_difference(run(*unit, image), expected), 1e-6);
  testing::expect_gradients(*unit, run(*unit, image).pow(2).mean());
  EXPECT_GT(run(*unit_of(R"({"type": "project", "init": "default"})", 2), image).std().item<double>(), 0);
}

TEST(Stems, SitOnTheImageAlone) {
  ConvStem adapter({}, {});
  for (const Site& site : {image_site(1, SiteKind::Sublayer), image_site(1, SiteKind::Stream, Layout::Grid)})
    EXPECT_THAT(testing::message_of([&] { adapter.attach(site, kEncoder); }), HasSubstr("its place is encoder.image"));
}

TEST(Stems, RefuseASecondStemAndAnotherNumberOfChannels) {
  const auto unit = unit_of(R"("project")", 2);
  EXPECT_THAT(testing::message_of([&] { unit->reshape({3, {3, 4, 5}}); }), HasSubstr("keep one of the two"));
  EXPECT_THAT(testing::message_of([&] {
                run(*unit, testing::normal({1, 1, 3, 4, 5}));
              }),
              HasSubstr("expected [*, 2, *, *, *]"));
}

}  // namespace
}  // namespace lamina
