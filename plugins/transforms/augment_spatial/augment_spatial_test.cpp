// flip, rotate, scale and affine as components.
#include "random_affine.hpp"
#include "random_flip.hpp"

#include "made_case.hpp"

namespace lamina {
namespace {

TransformContext context_of(const Size3& patch, std::vector<std::string> flip_axes = {}) {
  TransformContext context;
  context.patch = patch;
  context.dataset.flip_axes = std::move(flip_axes);
  return context;
}

Case labelled_case() {
  const auto image = made::noise({2, 6, 16, 14}, 11);
  return made::one(image, image[0].mul(4).to(at::kLong).unsqueeze(0));
}

const torch::Tensor& image_of(const Case& one) { return one.images.primary().voxels; }
const torch::Tensor& labels_of(const Case& one) { return one.labels.primary().voxels; }

template <class Component>
void expect_fair(typename Component::Options never, typename Component::Options surely) {
  const Component idle(never, context_of({6, 16, 14})), busy(surely, context_of({6, 16, 14}));
  const Case before = labelled_case(), copy = made::one(image_of(before).clone(), labels_of(before).clone());
  EXPECT_TRUE(at::equal(image_of(made::apply(idle, before)), image_of(before)));
  const Case first = made::apply(busy, before, 5), second = made::apply(busy, before, 5),
             other = made::apply(busy, before, 6);
  EXPECT_FALSE(at::equal(image_of(first), image_of(before)));
  EXPECT_TRUE(at::equal(image_of(first), image_of(second)) && at::equal(labels_of(first), labels_of(second)));
  EXPECT_FALSE(at::equal(image_of(first), image_of(other)));
  EXPECT_EQ(image_of(first).sizes(), image_of(before).sizes());
  EXPECT_EQ(labels_of(first).scalar_type(), at::kLong);
  EXPECT_TRUE(labels_of(first).ge(0).logical_and(labels_of(first).le(3)).all().item<bool>());
  EXPECT_TRUE(at::equal(image_of(before), image_of(copy)) && at::equal(labels_of(before), labels_of(copy)));
}

TEST(RandomRotate, ActsAsOftenAsAskedAndRepeats) {
  RandomRotateOptions never, surely;
  never.p = 0, surely.p = 1;
  expect_fair<RandomRotate>(never, surely);
}

TEST(RandomScale, ActsAsOftenAsAskedAndRepeats) {
  RandomScaleOptions never, surely;
  never.p = 0, surely.p = 1;
  expect_fair<RandomScale>(never, surely);
}

TEST(RandomAffine, ActsAsOftenAsAskedAndRepeats) {
  RandomAffineOptions never, surely;
  never.p_rotate = never.p_scale = 0;
  surely.p_rotate = surely.p_scale = surely.p_shift = 1;
  expect_fair<RandomAffine>(never, surely);
}

TEST(RandomAffine, ReachesAsFarAsItMayTurnAndScale) {
  RandomAffineOptions options;
  options.limits.max_reach = 10;
  const auto flat = RandomAffine(options, context_of({4, 64, 64})).reach();
  EXPECT_NEAR(flat[0], 1, 1e-12);
  EXPECT_NEAR(flat[1], 1.4 * std::sqrt(2.0), 1e-12);
  const auto cube = RandomAffine(options, context_of({64, 64, 64})).reach();
  EXPECT_NEAR(cube[0], 1.4 * (std::cos(M_PI / 6) + 0.5), 1e-12);
  options.limits.max_reach = 1.25;
  EXPECT_NEAR(RandomAffine(options, context_of({64, 64, 64})).reach()[2], 1.25, 1e-12);
}

TEST(RandomRotate, ReachesNowhereWhenItNeverActs) {
  RandomRotateOptions options;
  options.p = 0;
  EXPECT_EQ(RandomRotate(options, context_of({64, 64, 64})).reach()[1], 1);
}

TEST(RandomRotate, TurnsSlicesOfFlatPatchesOnly) {
  RandomRotateOptions options;
  options.p = 1;
  auto image = at::zeros({1, 4, 15, 15});
  image[0][2].fill_(1);
  const auto turned = image_of(made::apply(RandomRotate(options, context_of({4, 15, 15})), made::one(image)));
  EXPECT_TRUE(turned[0][1].eq(0).all().item<bool>());
  EXPECT_GT(turned[0][2].sum().item<double>(), 100);
}

TEST(RandomScale, RefusesARangeInTheWrongOrder) {
  RandomScaleOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"range": [1.4, 0.7]})"), "augment[0]", errors);
  EXPECT_EQ(errors.size(), 1);
}

TEST(RandomRotate, RefusesTwoAngles) {
  RandomRotateOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"degrees": [10, 20]})"), "augment[0]", errors);
  EXPECT_EQ(errors.size(), 1);
}

RandomFlip flip(double p, std::vector<std::string> axes, std::vector<std::string> allowed = {}) {
  RandomFlipOptions options;
  options.p = p;
  options.axes = std::move(axes);
  return {options, context_of({6, 16, 14}, std::move(allowed))};
}

TEST(RandomFlip, MirrorsImageAndLabelsAlike) {
  const Case before = labelled_case(), after = made::apply(flip(1, {"y"}), before);
  EXPECT_TRUE(at::equal(image_of(after), image_of(before).flip({2})));
  EXPECT_TRUE(at::equal(labels_of(after), labels_of(before).flip({2})));
}

TEST(RandomFlip, UsesTheDatasetsAxesByDefault) {
  const Case before = labelled_case();
  EXPECT_TRUE(at::equal(image_of(made::apply(flip(1, {}, {"x", "z"}), before)), image_of(before).flip({1, 3})));
  EXPECT_TRUE(at::equal(image_of(made::apply(flip(1, {}, {}), before)), image_of(before)));
  EXPECT_TRUE(at::equal(image_of(made::apply(flip(1, {"z"}, {"x"}), before)), image_of(before).flip({1})));
}

TEST(RandomFlip, NeverActsWithProbabilityZero) {
  const Case before = labelled_case();
  EXPECT_TRUE(at::equal(image_of(made::apply(flip(0, {"z", "y", "x"}), before)), image_of(before)));
}

TEST(RandomFlip, DrawsEachAxisByItself) {
  const Case before = labelled_case();
  const auto transform = flip(0.5, {"z", "y", "x"});
  std::set<std::vector<float>> seen;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const auto image = image_of(made::apply(transform, before, seed))[0].contiguous();
    seen.insert({image.data_ptr<float>(), image.data_ptr<float>() + image.numel()});
  }
  EXPECT_EQ(seen.size(), 8);
}

TEST(RandomFlip, MovesGeometryAndValidBoxAlong) {
  Case before = labelled_case();
  before.images.primary().geometry.spacing = {3, 2, 1};
  before.images.primary().geometry.origin = {5, 6, 7};
  before.valid = {{0, 1, 2}, {6, 16, 10}};
  const Case after = made::apply(flip(1, {"x"}), before);
  EXPECT_EQ(after.valid.begin, (Size3{0, 1, 4}));
  EXPECT_EQ(after.valid.end, (Size3{6, 16, 12}));
  const auto there = to_physical(before.images.primary().geometry, {1, 2, 3});
  const auto here = to_physical(after.images.primary().geometry, {1, 2, 10});
  for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(there[axis], here[axis], 1e-9);
}

}  // namespace
}  // namespace lamina
