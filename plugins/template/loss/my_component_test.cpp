// Tests of my_component.
#include "my_component.hpp"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include <cmath>

namespace my_component {
namespace {

double loss_of(const torch::Tensor& logits, const torch::Tensor& labels, double gamma,
               std::optional<int64_t> ignore = {}) {
  lamina::Prediction prediction;
  lamina::Output output;
  output.classes = logits;
  prediction.outputs.set("image", output);
  lamina::Batch batch;
  batch.labels.set("image", labels);
  MyComponent loss({gamma}, {2, ignore});
  return loss.compute(prediction, batch, {}).at(0).value.item<double>();
}

TEST(MyComponent, EqualLogitsGiveTheKnownValue) {
  const auto logits = at::zeros({1, 2, 1, 2, 2});
  const auto labels = at::zeros({1, 1, 1, 2, 2}, at::kLong);
  EXPECT_NEAR(loss_of(logits, labels, 0), std::log(2.0), 1e-6);
  EXPECT_NEAR(loss_of(logits, labels, 2), 0.25 * std::log(2.0), 1e-6);
}

TEST(MyComponent, IgnoredVoxelsDoNotCount) {
  const auto logits = at::tensor({5.0f, 0.0f, 0.0f, 5.0f}).view({1, 2, 1, 1, 2});
  const auto labels = at::tensor({int64_t{0}, int64_t{7}}).view({1, 1, 1, 1, 2});
  EXPECT_LT(loss_of(logits, labels, 2, 7), 1e-4);
}

}  // namespace
}  // namespace my_component
