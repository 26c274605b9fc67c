// shuffle_labels keeps what labels there are, and loses where they are.
#include "shuffle_labels.hpp"

#include "made_case.hpp"

namespace lamina {
namespace {

TEST(ShuffleLabels, KeepsCountsAndLosesPlaces) {
  const ShuffleLabels shuffle({}, {});
  const torch::Tensor image = made::noise({1, 4, 9, 10}, 3), labels = image.mul(3).to(at::kLong);
  const Case before = made::one(image, labels.clone());
  const Case after = made::apply(shuffle, before, 5), again = made::apply(shuffle, before, 5),
             other = made::apply(shuffle, before, 6);
  const auto of = [](const Case& one) { return one.labels.primary().voxels; };
  EXPECT_TRUE(at::equal(of(after).flatten().bincount(), labels.flatten().bincount()));
  EXPECT_LT(of(after).eq(labels).to(at::kFloat).mean().item<double>(), 0.5);  // a third by chance
  EXPECT_TRUE(at::equal(of(after), of(again)));
  EXPECT_FALSE(at::equal(of(after), of(other)));
  EXPECT_TRUE(at::equal(of(before), labels)) << "the case itself must stay";
  EXPECT_TRUE(at::equal(after.images.primary().voxels, image));
}

TEST(ShuffleLabels, LeavesPaddingAlone) {
  Case one = made::one(made::noise({1, 2, 4, 8}, 1), made::noise({1, 2, 4, 8}, 2).mul(3).to(at::kLong));
  one.valid = {{0, 1, 0}, {2, 4, 6}};
  const torch::Tensor before = one.labels.primary().voxels.clone();
  const torch::Tensor after = made::apply(ShuffleLabels({}, {}), one, 5).labels.primary().voxels;
  EXPECT_TRUE(at::equal(after.slice(2, 0, 1), before.slice(2, 0, 1)));
  EXPECT_TRUE(at::equal(after.slice(3, 6), before.slice(3, 6)));
  EXPECT_FALSE(at::equal(after, before));
}

}  // namespace
}  // namespace lamina
