// Intensity augmentations against nnU-Net's for given factors, and how they draw.
#include "image_quality.hpp"
#include "intensity_factors.hpp"

#include "made_case.hpp"

namespace lamina {
namespace {

torch::Tensor golden(const std::string& name) { return made::golden("transforms.safetensors", "augment/" + name); }

TransformContext context_of(const Size3& patch) {
  TransformContext context;
  context.patch = patch;
  return context;
}

const torch::Tensor& image_of(const Case& one) { return one.images.primary().voxels; }

template <class Component>
class IntensityAugmentation : public testing::Test {
 public:
  static Component with(double p, double p_channel = 1) {
    typename Component::Options options;
    options.p = p;
    options.p_channel = p_channel;
    return {options, context_of({6, 14, 13})};
  }
};

using Components =
    testing::Types<RandomGamma, RandomContrast, RandomBrightness, RandomNoise, RandomBlur, RandomLowResolution>;
TYPED_TEST_SUITE(IntensityAugmentation, Components);

Case two_channels() { return made::one(made::noise({2, 6, 14, 13}, 21, -1, 3), at::ones({1, 6, 14, 13}, at::kLong)); }

TYPED_TEST(IntensityAugmentation, NeverActsWithProbabilityZero) {
  const Case before = two_channels();
  EXPECT_TRUE(at::equal(image_of(made::apply(this->with(0), before)), image_of(before)));
  EXPECT_TRUE(at::equal(image_of(made::apply(this->with(1, 0), before)), image_of(before)));
}

TYPED_TEST(IntensityAugmentation, ActsOnEveryChannelAndLeavesTheRest) {
  const Case before = two_channels();
  const auto copy = image_of(before).clone();
  const Case after = made::apply(this->with(1), before, 3);
  EXPECT_EQ(image_of(after).sizes(), copy.sizes());
  for (int64_t channel = 0; channel < 2; ++channel) EXPECT_FALSE(at::equal(image_of(after)[channel], copy[channel]));
  EXPECT_TRUE(at::equal(image_of(before), copy));
  EXPECT_TRUE(after.labels.primary().voxels.eq(1).all().template item<bool>());
  EXPECT_TRUE(image_of(after).isfinite().all().template item<bool>());
}

TYPED_TEST(IntensityAugmentation, RepeatsItselfForTheSameStream) {
  const auto transform = this->with(1);
  const auto first = image_of(made::apply(transform, two_channels(), 3)),
             again = image_of(made::apply(transform, two_channels(), 3)),
             other = image_of(made::apply(transform, two_channels(), 4));
  EXPECT_TRUE(at::equal(first, again));
  EXPECT_FALSE(at::equal(first, other));
}

TYPED_TEST(IntensityAugmentation, ActsAboutAsOftenAsAsked) {
  const auto transform = this->with(0.3);
  const Case before = made::one(made::noise({1, 2, 3, 4}, 1));
  int changed = 0;
  for (uint64_t seed = 0; seed < 400; ++seed)
    changed += !at::equal(image_of(made::apply(transform, before, seed)), image_of(before));
  EXPECT_NEAR(changed, 120, 40);
}

TEST(RandomGamma, EqualsNnunet) {
  RandomGammaOptions options;
  const auto image = golden("image")[0];
  EXPECT_LT(made::difference(RandomGamma(options, {}).change(image, 1.37), golden("gamma")[0]),
            1e-3);  // values up to 50
  options.invert = true;
  EXPECT_LT(made::difference(RandomGamma(options, {}).change(image, 1.37), golden("gamma_inverted")[0]), 1e-3);
}

TEST(RandomGamma, KeepsTheExtremesWithoutRetainedStatistics) {
  RandomGammaOptions options;
  options.retain_stats = false;
  const auto image = golden("image")[0], bent = RandomGamma(options, {}).change(image, 0.8);
  EXPECT_NEAR(bent.min().item<double>(), image.min().item<double>(), 1e-4);
  EXPECT_NEAR(bent.max().item<double>(), image.max().item<double>(), 1e-4);
}

TEST(RandomGamma, LeavesAConstantAlone) {
  EXPECT_LT(made::difference(RandomGamma({}, {}).change(at::full({2, 3, 4}, 5.0), 1.4), at::full({2, 3, 4}, 5.0)),
            1e-6);
}

TEST(RandomContrast, EqualsNnunet) {
  EXPECT_LT(made::difference(RandomContrast({}, {}).change(golden("image")[0], 1.23), golden("contrast")[0]), 1e-3);
}

TEST(RandomBlur, EqualsNnunet) {
  auto image = golden("image")[0];
  const std::array<double, 3> sigma{0.6, 0.8, 1.0};
  for (int64_t axis = 0; axis < 3; ++axis) image = RandomBlur::smooth(image, axis, sigma[axis]);
  EXPECT_LT(made::difference(image, golden("blur")[0]), 1e-4);
}

TEST(RandomBlur, LeavesAxesOfOneVoxelAlone) {
  const auto image = made::noise({1, 5, 5}, 2);
  EXPECT_TRUE(at::equal(RandomBlur::smooth(image, 0, 1), image));
}

TEST(RandomLowResolution, EqualsNnunet) {
  const auto image = golden("image")[0];
  const RandomLowResolution deep({}, context_of({14, 14, 13})), flat({}, context_of({1, 14, 13}));
  EXPECT_LT(made::difference(deep.coarsen(image, 0.6), golden("low_resolution")[0]), 1e-4);
  EXPECT_LT(made::difference(flat.coarsen(image, 0.6), golden("low_resolution_in_plane")[0]), 1e-4);
}

TEST(RandomNoise, HasTheWidthThatWasAskedFor) {
  RandomNoiseOptions options;
  options.p = 1;
  options.sd = {0.5, 0.5};
  const auto after = image_of(made::apply(RandomNoise(options, {}), made::one(at::zeros({1, 20, 30, 30}))));
  EXPECT_NEAR(after.std().item<double>(), 0.5, 0.02);
  EXPECT_NEAR(after.mean().item<double>(), 0, 0.02);
}

TEST(DrawFactor, LiesBelowOneAsOftenAsAbove) {
  Random random(3);
  int below = 0;
  for (int i = 0; i < 2000; ++i) {
    const double factor = intensity::draw_factor({0.7, 1.5}, random);
    EXPECT_TRUE(factor >= 0.7 && factor <= 1.5);
    below += factor < 1;
  }
  EXPECT_NEAR(below, 1000, 120);
}

TEST(DrawFactor, StaysWithinRangesOnOneSideOfOne) {
  Random random(4);
  for (int i = 0; i < 200; ++i) {
    const double low = intensity::draw_factor({0.5, 0.8}, random), high = intensity::draw_factor({1.2, 1.5}, random);
    EXPECT_TRUE(low >= 0.5 && low <= 0.8 && high >= 1.2 && high <= 1.5);
  }
}

}  // namespace
}  // namespace lamina
