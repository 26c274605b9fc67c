// Vessels and nodules: alike in a slice, told apart by the next one.
#include "vessels.hpp"

#include <gtest/gtest.h>

#include <torch/utils.h>

namespace lamina {
namespace {

torch::Tensor labels_of(const Vessels& dataset, const std::string& id) {
  return dataset.load(id, WithLabels::Yes).labels.primary().voxels[0];
}

TEST(Vessels, MakesTheSameCaseEveryTimeAndNamesItselfGenerated) {
  const Vessels a({}, {}), b({}, {});
  const Case one = a.load("vessels_train_000", WithLabels::Yes), two = b.load("vessels_train_000", WithLabels::Yes);
  EXPECT_TRUE(one.images.primary().voxels.equal(two.images.primary().voxels));
  EXPECT_TRUE(one.labels.primary().voxels.equal(two.labels.primary().voxels));
  EXPECT_FALSE(one.images.primary().voxels.equal(a.load("vessels_train_001", WithLabels::No).images.primary().voxels));
  EXPECT_FALSE(a.load("vessels_test_000", WithLabels::No).has_label());
  EXPECT_TRUE(a.info().generated);
}

TEST(Vessels, GivesBothClassesAlikeBrightnessAndSizeInASlice) {
  const Vessels dataset({}, {});
  double sum[3]{}, count[3]{};
  for (const auto& id : dataset.ids(Split::Train)) {
    const Case one = dataset.load(id, WithLabels::Yes);
    for (int64_t label = 1; label < 3; ++label) {
      const auto mask = one.labels.primary().voxels.eq(label);
      sum[label] += one.images.primary().voxels.masked_select(mask).sum().item<double>();
      count[label] += mask.sum().item<double>();
    }
  }
  EXPECT_NEAR(sum[1] / count[1], sum[2] / count[2], 0.05);
  EXPECT_NEAR(count[1] / count[2], 1, 0.15);
}

TEST(Vessels, ContinuesVesselsAndNeverNodules) {
  const Vessels dataset({}, {});
  for (const auto& id : dataset.ids(Split::Val)) {
    const torch::Tensor labels = labels_of(dataset, id);
    const torch::Tensor above = labels.slice(0, 0, -1), below = labels.slice(0, 1);
    const torch::Tensor nodules_above = above.eq(2), nodules_below = below.eq(2);
    EXPECT_FALSE(nodules_above.logical_and(below.ne(0)).any().item<bool>()) << id;
    EXPECT_FALSE(nodules_below.logical_and(above.ne(0)).any().item<bool>()) << id;
    const auto vessel = above.eq(1), next = below.eq(1);
    EXPECT_GT(vessel.logical_and(next).sum().item<double>(), 0.5 * vessel.sum().item<double>()) << id;
  }
}

TEST(Vessels, LeavesOutWhatHasNoRoom) {
  VesselsOptions crowded;
  crowded.count = 64;
  crowded.size = {3, 24, 24};
  const Vessels dataset(crowded, {});
  EXPECT_LT(labels_of(dataset, "vessels_train_000").gt(0).to(torch::kFloat).mean().item<float>(), 1);
}

}  // namespace
}  // namespace lamina
