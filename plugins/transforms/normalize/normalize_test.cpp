// Normalisations against nnU-Net's.
#include "clip_range.hpp"
#include "ct_clip_zscore.hpp"
#include "percentile_clip.hpp"
#include "statistics.hpp"
#include "zscore.hpp"

#include "made_case.hpp"

#include <cmath>

namespace lamina {
namespace {

torch::Tensor golden(const std::string& name) { return made::golden("transforms.safetensors", name); }

torch::Tensor image_after(const Transform& transform, const torch::Tensor& image) {
  return made::apply(transform, made::one(image)).images.primary().voxels;
}

Zscore zscore(const std::string& mask) {
  ZscoreOptions options;
  options.mask = mask;
  return {options, {}};
}

TEST(Zscore, EqualsNnunet) {
  EXPECT_LT(made::difference(image_after(zscore("none"), golden("zscore/image")), golden("zscore/plain")), 1e-5);
}

TEST(Zscore, EqualsNnunetWithinTheMask) {
  EXPECT_LT(made::difference(image_after(zscore("nonzero"), golden("zscore/image")), golden("zscore/masked")), 1e-5);
}

TEST(Zscore, TreatsChannelsApart) {
  const auto image = made::noise({2, 4, 5, 6}, 3);
  image[1].mul_(100).add_(40);
  const auto after = image_after(zscore("none"), image);
  for (int64_t channel = 0; channel < 2; ++channel) {
    EXPECT_NEAR(after[channel].mean().item<double>(), 0, 1e-5);
    EXPECT_NEAR(after[channel].std(false).item<double>(), 1, 1e-5);
  }
}

TEST(Zscore, TurnsAConstantIntoZeros) {
  EXPECT_TRUE(image_after(zscore("none"), at::full({1, 2, 3, 4}, 5.0)).eq(0).all().item<bool>());
}

TEST(Zscore, LeavesAnEmptyImageAlone) {
  EXPECT_TRUE(image_after(zscore("nonzero"), at::zeros({1, 2, 3, 4})).eq(0).all().item<bool>());
}

TEST(Zscore, LeavesTheCallersVoxelsAlone) {
  const auto image = made::noise({1, 3, 3, 3}, 4), copy = image.clone();
  image_after(zscore("none"), image);
  EXPECT_TRUE(at::equal(image, copy));
}

TEST(NonzeroMask, FillsHolesAsNnunet) {
  EXPECT_TRUE(at::equal(normalizing::nonzero_mask(golden("crop/image")), golden("crop/mask").to(at::kBool)));
}

TEST(Quantile, EqualsNumpy) {
  const auto values = golden("percentile/values"), expected = golden("percentile/expected").to(at::kDouble);
  const std::array<double, 3> percentiles{0.5, 37.3, 99.5};
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(normalizing::quantile(values, percentiles[i] / 100), expected[i].item<double>(), 1e-4);
  }
  EXPECT_EQ(normalizing::quantile(at::tensor({3.0F, 1.0F, 2.0F}), 1), 3);
  EXPECT_EQ(normalizing::quantile(at::tensor({3.0F, 1.0F, 2.0F}), 0), 1);
}

CtClipZscore ct(const CtClipZscoreOptions& options = {}) { return {options, {}}; }

/// Foreground values 0..999, background far away; two cases with half of them each.
Case ramp_case(const std::string& id) {
  auto image = at::arange(1000, at::kFloat).view({1, 10, 10, 10});
  auto labels = at::zeros({1, 10, 10, 10}, at::kLong);
  labels.flatten().narrow(0, id == "a" ? 0 : 500, 500).fill_(2);
  return made::one(at::where(labels.gt(0), image, at::full_like(image, -5000)), labels);
}

TEST(CtClipZscore, EqualsNnunetForGivenStatistics) {
  auto transform = ct();
  transform.restore({{"statistics", golden("ct/statistics")}});
  EXPECT_LT(made::difference(image_after(transform, golden("zscore/image")), golden("ct/normalised")), 1e-5);
}

TEST(CtClipZscore, LearnsFromTheForegroundOnly) {
  auto transform = ct();
  const auto statistics = transform.fit({"a", "b"}, ramp_case).at("statistics");
  EXPECT_NEAR(statistics[0][0].item<double>(), 4.995, 1.5);  // percentile 0.5
  EXPECT_NEAR(statistics[0][1].item<double>(), 994.0, 1.5);  // percentile 99.5
  EXPECT_NEAR(statistics[0][2].item<double>(), 499.5, 1);
  EXPECT_NEAR(statistics[0][3].item<double>(), 1000 / std::sqrt(12), 1);
}

TEST(CtClipZscore, LearnsTheSameNumbersTwice) {
  CtClipZscoreOptions options;
  options.samples = 100;
  auto first = ct(options), second = ct(options);
  EXPECT_TRUE(
      at::equal(first.fit({"a", "b"}, ramp_case).at("statistics"), second.fit({"a", "b"}, ramp_case).at("statistics")));
}

TEST(CtClipZscore, LeavesIgnoredVoxelsOut) {
  auto transform = ct();
  const auto statistics = transform
                              .fit({"a", "b"},
                                   [](const std::string& id) {
                                     Case one = ramp_case(id);
                                     if (id == "b") one.labels.primary().voxels.flatten().narrow(0, 500, 500).fill_(3);
                                     one.ignore = 3;
                                     return one;
                                   })
                              .at("statistics");
  EXPECT_LT(statistics[0][1].item<double>(), 500);
}

TEST(CtClipZscore, RefusesToLearnFromNothing) {
  auto transform = ct();
  EXPECT_THROW(transform.fit({"a"}, [](const std::string&) { return made::one(at::ones({1, 2, 2, 2})); }), DataError);
  EXPECT_THROW(transform.fit({"a"},
                             [](const std::string&) {
                               return made::one(at::ones({1, 2, 2, 2}), at::zeros({1, 2, 2, 2}, at::kLong));
                             }),
               DataError);
  EXPECT_THROW(transform.fit({}, ramp_case), DataError);
}

TEST(CtClipZscore, SaysThatItMustLearnFirst) { EXPECT_THROW(image_after(ct(), at::ones({1, 2, 2, 2})), Error); }

TEST(CtClipZscore, RefusesAnotherNumberOfChannels) {
  auto transform = ct();
  transform.fit({"a", "b"}, ramp_case);
  EXPECT_THROW(image_after(transform, at::ones({2, 2, 2, 2})), DataError);
}

TEST(ClipRange, ScalesAFixedWindow) {
  const auto image = at::tensor({-1000.0F, -200.0F, -87.5F, 250.0F, 3000.0F}).view({1, 1, 1, 5});
  const auto after = image_after(ClipRange({}, {}), image);
  EXPECT_TRUE(at::allclose(after.flatten(), at::tensor({0.0F, 0.0F, 0.25F, 1.0F, 1.0F})));
  EXPECT_EQ(image.min().item<float>(), -1000);
}

TEST(ClipRange, RefusesAnEmptyWindow) {
  ClipRangeOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"low": 3, "high": 3})"), "prepare[0]", errors);
  EXPECT_EQ(errors.size(), 1);
}

TEST(PercentileClip, ScalesBetweenThePercentiles) {
  PercentileClipOptions options;
  options.low = 10, options.high = 90;
  const auto image = at::arange(101, at::kFloat).view({1, 1, 1, 101});
  const auto after = image_after(PercentileClip(options, {}), image).flatten();
  EXPECT_FLOAT_EQ(after[0].item<float>(), 0);
  EXPECT_FLOAT_EQ(after[10].item<float>(), 0);
  EXPECT_FLOAT_EQ(after[50].item<float>(), 0.5);
  EXPECT_FLOAT_EQ(after[90].item<float>(), 1);
  EXPECT_FLOAT_EQ(after[100].item<float>(), 1);
}

TEST(PercentileClip, TurnsAConstantIntoZeros) {
  EXPECT_TRUE(image_after(PercentileClip({}, {}), at::full({1, 2, 2, 2}, 9.0)).eq(0).all().item<bool>());
}

TEST(PercentileClip, RefusesPercentilesInTheWrongOrder) {
  PercentileClipOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"low": 60, "high": 40})"), "prepare[0]", errors);
  EXPECT_EQ(errors.size(), 1);
}

}  // namespace
}  // namespace lamina
