// Index to patient space and back.
#include <lamina/base/error.hpp>
#include <lamina/data/geometry.hpp>
#include <lamina/data/support.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include <torch/utils.h>

namespace lamina {
namespace {

Geometry oblique() {
  Geometry geometry;
  geometry.spacing = {5, 0.8, 0.7};
  geometry.origin = {-10, 20, 3};
  geometry.direction = {0.8, 0, 0.6, 0, -1, 0, 0.6, 0, -0.8};
  return geometry;
}

TEST(Geometry, PutsTheFirstVoxelAtTheOrigin) { EXPECT_EQ(to_physical(oblique(), {0, 0, 0}), oblique().origin); }

TEST(Geometry, WalksAlongTheColumnsOfTheDirection) {
  const auto along_x = to_physical(oblique(), {0, 0, 1}), along_z = to_physical(oblique(), {1, 0, 0});
  EXPECT_NEAR(along_x[0], -10 + 0.7 * 0.8, 1e-12);
  EXPECT_NEAR(along_x[2], 3 + 0.7 * 0.6, 1e-12);
  EXPECT_NEAR(along_z[0], -10 + 5 * 0.6, 1e-12);
  EXPECT_NEAR(along_z[2], 3 - 5 * 0.8, 1e-12);
}

TEST(Geometry, FindsItsWayBack) {
  const std::array<double, 3> index{2.5, -1, 7};
  const auto back = to_index(oblique(), to_physical(oblique(), index));
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(back[i], index[i], 1e-10);
}

TEST(Geometry, RefusesADirectionOfDependentAxes) {
  Geometry flat;
  flat.direction = {1, 0, 1, 0, 1, 0, 0, 0, 0};
  EXPECT_THROW(to_index(flat, {0, 0, 0}), DataError);
}

TEST(CornerDisplacement, CountsVoxelsOfAShift) {
  Geometry shifted = oblique();
  EXPECT_NEAR(corner_displacement(oblique(), shifted, {10, 20, 30}), 0, 1e-9);
  for (size_t i = 0; i < 3; ++i) shifted.origin[i] += 2 * 0.7 * oblique().direction[3 * i];
  EXPECT_NEAR(corner_displacement(oblique(), shifted, {10, 20, 30}), 2, 1e-9);
}

TEST(CornerDisplacement, SeesASmallSpacingErrorGrowWithSize) {
  Geometry wider = oblique();
  wider.spacing[2] *= 1.01;
  EXPECT_NEAR(corner_displacement(oblique(), wider, {1, 1, 101}), 1, 1e-9);
}

TEST(SupportSet, CountsEachLabelOnce) {
  const auto load = [](const std::string& id, WithLabels labels) {
    Case one;
    one.id = id;
    one.images = Streams<Volume>(Volume{torch::zeros({1, 1, 2, 2}), {}});
    const bool labelled = labels == WithLabels::Yes && id != "bare";
    if (labelled) one.labels = Streams<Volume>(Volume{torch::ones({1, 1, 2, 2}, torch::kInt64), {}});
    return one;
  };
  SupportSet support({"a", "b", "bare"}, load);
  support.image(0);
  EXPECT_EQ(support.labels_read(), 0);
  support.label(1);
  support.label(1);
  EXPECT_EQ(support.labels_read(), 1);
  EXPECT_THROW(support.label(2), DataError);
  EXPECT_EQ(support.labels_read(), 1);
}

}  // namespace
}  // namespace lamina
