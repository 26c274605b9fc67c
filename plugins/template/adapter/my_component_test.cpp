// Tests of my_component.
#include "my_component.hpp"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace my_component {
namespace {

torch::Tensor through(const Options& options, const torch::Tensor& output) {
  lamina::Site site;
  site.out_channels = output.size(1);
  MyComponent adapter(options, {});
  const auto unit = adapter.attach(site, {lamina::Room::Encoder, {}, {}});
  lamina::Scene scene(lamina::Mode::Infer);
  const lamina::Axes axes;
  lamina::SiteHook& hook = *unit;  // torch's modules have an apply() of their own
  return hook.apply({site, output, output, axes, scene});
}

TEST(MyComponent, LeavesTheNetworkAsItIsAtTheStart) {
  const auto output = at::arange(24, at::kFloat).view({1, 2, 3, 2, 2});  // [B, C, D, H, W]
  EXPECT_TRUE(at::equal(through({}, output), output));
}

TEST(MyComponent, ScalesEveryChannel) {
  const auto output = at::ones({1, 2, 1, 2, 2});
  EXPECT_TRUE(at::equal(through({2.5, true}, output), output * 2.5));
}

}  // namespace
}  // namespace my_component
