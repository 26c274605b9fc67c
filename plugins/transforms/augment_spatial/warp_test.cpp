// The linear map behind rotate, scale and affine.
#include "warp.hpp"

#include "made_case.hpp"

#include <cmath>

#include <ATen/ops/grid_sampler.h>

namespace lamina {
namespace {

using warping::Warp;

Warp turn_about_z(double degrees) { return {warping::rotation({degrees / 180 * M_PI, 0, 0}), {}}; }

/// The same map through torch's grid sampler (align_corners false, zeros outside).
torch::Tensor by_torch(const torch::Tensor& image, const Warp& warp) {
  const std::array<double, 3> size{double(image.size(1)), double(image.size(2)), double(image.size(3))};
  auto theta = at::zeros({1, 3, 4});
  for (int row = 0; row < 3; ++row) {  // torch's rows and columns are x, y, z in halves of the size
    for (int column = 0; column < 3; ++column) {
      theta[0][2 - row][2 - column] = warp.matrix[3 * row + column] * size[column] / size[row];
    }
    theta[0][2 - row][3] = warp.shift[row] * 2 / size[row];
  }
  const auto grid =
      at::affine_grid_generator(theta, {1, image.size(0), image.size(1), image.size(2), image.size(3)}, false);
  return at::grid_sampler(image.unsqueeze(0), grid, 0, 0, false)[0];
}

TEST(Warp, IdentityChangesNothing) {
  const auto image = made::noise({2, 4, 5, 6}, 1);
  EXPECT_TRUE(at::equal(warping::warp_image(image, {}), image));
  const auto labels = at::randint(4, {1, 4, 5, 6}, at::kShort);
  EXPECT_TRUE(at::equal(warping::warp_labels(labels, {}), labels));
}

TEST(Warp, EqualsTorchsGridSampler) {
  const auto image = made::noise({2, 7, 9, 11}, 2);
  Warp warp{warping::product(warping::rotation({0.4, -0.3, 0.2}), warping::scaling(1.2, false)), {0.7, -1.3, 2.1}};
  EXPECT_LT(made::difference(warping::warp_image(image, warp), by_torch(image, warp)), 2e-5);
}

TEST(Warp, QuarterTurnMovesVoxelsExactly) {
  const auto image = made::noise({1, 3, 6, 6}, 3);
  const auto turned = warping::warp_image(image, turn_about_z(90));
  EXPECT_TRUE(at::equal(turned, image.rot90(1, {2, 3})) || at::equal(turned, image.rot90(-1, {2, 3})));
  const auto labels = image.mul(5).to(at::kLong);
  EXPECT_TRUE(at::equal(warping::warp_labels(labels, turn_about_z(90)), turned.mul(5).to(at::kLong)));
}

TEST(Warp, ThereAndBackRestoresASmoothField) {
  auto image = at::empty({1, 12, 24, 24});
  for (int64_t y = 0; y < 24; ++y) {
    for (int64_t x = 0; x < 24; ++x)
      image.select(3, x).select(2, y).fill_(std::sin(double(x) / 7) + std::cos(double(y) / 6));
  }
  const auto back = warping::warp_image(warping::warp_image(image, turn_about_z(17)), turn_about_z(-17));
  const auto inner = [](const torch::Tensor& volume) { return volume.slice(2, 6, -6).slice(3, 6, -6); };
  EXPECT_LT(made::difference(inner(back), inner(image)), 1e-2);
}

TEST(Warp, TurnsLabelsWithTheImage) {
  auto image = at::zeros({1, 9, 21, 21});
  image.narrow(1, 2, 5).narrow(2, 6, 9).narrow(3, 4, 8).fill_(1);
  const Warp warp{warping::rotation({0.5, 0.2, -0.3}), {0, 1, -2}};
  const auto labels = warping::warp_labels(image.to(at::kLong).mul(3), warp);
  const auto expected = warping::warp_image(image, warp).gt(0.5).to(at::kLong).mul(3);
  EXPECT_GT(labels.eq(expected).to(at::kDouble).mean().item<double>(), 0.999);
  EXPECT_GT(labels.ne(0).sum().item<int64_t>(), 100);
}

TEST(Warp, MakesObjectsSmallerWithAFactorAboveOne) {
  auto labels = at::zeros({1, 1, 31, 31}, at::kLong);
  labels.narrow(2, 8, 15).narrow(3, 8, 15).fill_(1);
  // 7.5 voxels on either side of the centre, 5.36 after the division: 11 voxels, and none of them lies on the edge
  // (with 1.5 the edge would fall on voxels, where a vote between equal neighbours may go either way).
  const auto smaller = warping::warp_labels(labels, {warping::scaling(1.4, true), {}});
  EXPECT_EQ(smaller.sum().item<int64_t>(), 11 * 11);
  EXPECT_EQ(smaller.narrow(2, 10, 11).narrow(3, 10, 11).sum().item<int64_t>(), 11 * 11);
}

TEST(Warp, PadsWithZero) {
  const auto shifted = warping::warp_image(at::ones({1, 2, 3, 4}), {{1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 2}});
  EXPECT_TRUE(at::equal(shifted.select(3, 3), at::zeros({1, 2, 3})));
  EXPECT_TRUE(at::equal(shifted.select(3, 1), at::ones({1, 2, 3})));
}

TEST(Warp, InPlaneMapsKeepSlicesApart) {
  const auto image = made::noise({1, 5, 12, 12}, 6);
  const auto whole = warping::warp_image(image, turn_about_z(31));
  const auto slice = warping::warp_image(image.narrow(1, 3, 1), turn_about_z(31));
  EXPECT_TRUE(at::equal(whole.narrow(1, 3, 1), slice));
}

TEST(WorksInPlane, FollowsThePatch) {
  EXPECT_TRUE(warping::works_in_plane("auto", {1, 64, 64}));
  EXPECT_TRUE(warping::works_in_plane("auto", {16, 64, 32}));
  EXPECT_FALSE(warping::works_in_plane("auto", {24, 64, 64}));
  EXPECT_TRUE(warping::works_in_plane("always", {64, 64, 64}));
  EXPECT_FALSE(warping::works_in_plane("never", {1, 64, 64}));
}

TEST(UsualDegrees, AreNnunets) {
  EXPECT_EQ(warping::usual_degrees({64, 64, 64}, false)[2], 30);
  EXPECT_EQ(warping::usual_degrees({8, 64, 64}, true)[0], 180);
  EXPECT_EQ(warping::usual_degrees({1, 64, 100}, true)[0], 15);
}

TEST(RotationReach, HoldsTheTurnedPatch) {
  const auto square = warping::rotation_reach({180, 0, 0}, {8, 50, 50});
  EXPECT_NEAR(square[0], 1, 1e-12);
  EXPECT_NEAR(square[1], std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(square[2], std::sqrt(2.0), 1e-12);
  const auto little = warping::rotation_reach({30, 0, 0}, {8, 50, 100});
  EXPECT_NEAR(little[1], std::cos(M_PI / 6) + 2 * std::sin(M_PI / 6), 1e-12);
  EXPECT_NEAR(little[2], std::sqrt(1.25), 1e-12);  // its peak lies at 26.6 degrees
}

}  // namespace
}  // namespace lamina
