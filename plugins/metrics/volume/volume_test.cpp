// Volumes by hand, with anisotropic spacing, at empty masks and with ignored voxels.
#include "volume.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina {
namespace {

/// A row of voxels of 2 x 5 x 10 mm: 0.1 ml each.
Volume row(const std::vector<int64_t>& labels) {
  Volume volume{torch::tensor(labels).view({1, 1, 1, -1}), {}};
  volume.geometry.spacing = {2, 5, 10};
  return volume;
}

template <class Component>
double value(const std::vector<int64_t>& predicted, const std::vector<int64_t>& truth,
             const typename Component::Options& options = {}, std::optional<int64_t> ignore = {}) {
  Case reference;
  reference.labels = Streams<Volume>(row(truth));
  reference.ignore = ignore;
  Scratch scratch;
  const auto scores = Component(options, {2}).measure(row(predicted), reference, scratch);
  EXPECT_EQ(scores.size(), 1u);
  return scores[0].value;
}

constexpr VolumeDifferenceOptions kSigned{true};

TEST(VolumeMetrics, EqualVolumesByHand) {
  const std::vector<int64_t> predicted{1, 1, 1, 0, 0, 0}, truth{0, 1, 1, 1, 1, 0};
  EXPECT_DOUBLE_EQ(value<ClassVolume>(predicted, truth), 0.3);
  EXPECT_DOUBLE_EQ(value<ClassVolume>(predicted, truth, {"reference"}), 0.4);
  EXPECT_NEAR(value<VolumeDifference>(predicted, truth), 0.1, 1e-15);
  EXPECT_NEAR(value<VolumeDifference>(predicted, truth, kSigned), -0.1, 1e-15);
  EXPECT_NEAR(value<RelativeVolumeDifference>(predicted, truth), 0.25, 1e-15);
  EXPECT_NEAR(value<RelativeVolumeDifference>(predicted, truth, kSigned), -0.25, 1e-15);
  EXPECT_NEAR(value<RelativeVolumeDifference>(truth, predicted, kSigned), 1.0 / 3, 1e-15);
}

TEST(VolumeMetrics, AreDefinedForEmptyMasksButForTheRatio) {
  const std::vector<int64_t> none{0, 0}, some{0, 1};
  EXPECT_EQ(value<ClassVolume>(none, some), 0);
  EXPECT_DOUBLE_EQ(value<VolumeDifference>(none, some), 0.1);
  EXPECT_DOUBLE_EQ(value<VolumeDifference>(some, none, kSigned), 0.1);
  EXPECT_EQ(value<VolumeDifference>(none, none), 0);
  EXPECT_EQ(value<RelativeVolumeDifference>(none, some), 1);
  EXPECT_TRUE(std::isnan(value<RelativeVolumeDifference>(some, none)));
  EXPECT_TRUE(std::isnan(value<RelativeVolumeDifference>(none, none)));
}

TEST(VolumeMetrics, LeaveIgnoredVoxelsOut) {
  EXPECT_DOUBLE_EQ(value<ClassVolume>({1, 1, 1, 1}, {1, 3, 3, 0}, {}, 3), 0.2);
}

}  // namespace
}  // namespace lamina
