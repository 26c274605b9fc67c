// Tests of my_component.
#include "my_component.hpp"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace my_component {
namespace {

lamina::Volume labels(int64_t foreground) {
  auto voxels = at::zeros({1, 10, 10, 10}, at::kLong);
  voxels.view({-1}).narrow(0, 0, foreground).fill_(1);
  lamina::Volume volume{voxels, {}};
  volume.geometry.spacing = {2, 1, 1};
  return volume;
}

TEST(MyComponent, CountsMillilitresWithAndWithoutSign) {
  lamina::Case reference;
  reference.labels.set("image", labels(500));
  lamina::Scratch scratch;
  EXPECT_DOUBLE_EQ(MyComponent({false}, {2}).measure(labels(400), reference, scratch).at(0).value, 0.2);
  EXPECT_DOUBLE_EQ(MyComponent({true}, {2}).measure(labels(400), reference, scratch).at(0).value, -0.2);
}

}  // namespace
}  // namespace my_component
