// Tests of my_component.
#include "my_component.hpp"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace my_component {
namespace {

lamina::Case made() {
  lamina::Case one;
  one.images.set("image", {at::ones({2, 5, 5, 5}), {}});
  return one;
}

TEST(MyComponent, NeverAndAlwaysAreKept) {
  lamina::Random random(1);
  EXPECT_TRUE(at::equal(MyComponent({0, 1}, {}).apply(made(), random).images.primary().voxels, at::ones({2, 5, 5, 5})));
  EXPECT_FALSE(
      at::equal(MyComponent({1, 1}, {}).apply(made(), random).images.primary().voxels, at::ones({2, 5, 5, 5})));
}

TEST(MyComponent, KeepsTheMeanAndDependsOnTheStreamAlone) {
  lamina::Random first(3), second(3);
  const auto one = MyComponent({1, 0.5}, {}).apply(made(), first).images.primary().voxels;
  const auto two = MyComponent({1, 0.5}, {}).apply(made(), second).images.primary().voxels;
  EXPECT_TRUE(at::equal(one, two));
  EXPECT_NEAR(one.mean().item<double>(), 1, 1e-6);
}

}  // namespace
}  // namespace my_component
