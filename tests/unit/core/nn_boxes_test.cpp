// Boxes of masks and the generalised overlap of boxes, on cases small enough to check by hand.
#include <lamina/nn/boxes.hpp>

#include "component_test.hpp"

namespace lamina::nn {
namespace {

using testing::largest_difference;

torch::Tensor boxes(const std::vector<std::vector<float>>& rows) {
  std::vector<torch::Tensor> tensors;
  for (const auto& row : rows) tensors.push_back(torch::tensor(row));
  return torch::stack(tensors);
}

TEST(BoxesOfMasks, AreIndicesOverSizes) {
  torch::Tensor masks = torch::zeros({2, 2, 4, 8}, torch::kBool);
  masks[0][0].index_put_({torch::tensor({1, 2}), torch::tensor({6, 3})}, true);
  masks[0][1].fill_(true);
  masks[1][0][2][5] = true;
  const torch::Tensor result = boxes_of_masks(masks);
  ASSERT_EQ(result.sizes(), (std::vector<int64_t>{2, 2, 4}));
  EXPECT_LE(
      largest_difference(result[0], boxes({{3 / 8.0f, 1 / 4.0f, 6 / 8.0f, 2 / 4.0f}, {0, 0, 7 / 8.0f, 3 / 4.0f}})), 0);
  EXPECT_LE(largest_difference(result[1], boxes({{5 / 8.0f, 2 / 4.0f, 5 / 8.0f, 2 / 4.0f}, {0, 0, 0, 0}})), 0);
}

TEST(BoxesOfMasks, TakeMasksNotLogits) {
  EXPECT_NE(testing::message_of([] { boxes_of_masks(torch::zeros({1, 4, 4})); }), "");
}

TEST(BoxesOfFractions, GrowFromTheirCorner) {
  const torch::Tensor result = boxes_of_fractions(boxes({{0.5f, 0.2f, 0.5f, 1}, {0, 0, 0, 0}}));
  EXPECT_LE(largest_difference(result, boxes({{0.5f, 0.2f, 0.75f, 1}, {0, 0, 0, 0}})), 1e-7);
}

TEST(GeneralizedBoxIou, IsOneForEqualMinusForDistantBoxes) {
  const torch::Tensor a = boxes({{0, 0, 0.5f, 0.5f}});
  // Equal; half covered; apart: hull 1 x 1, union 1/2; a box without area inside: 0 of 1/4, hull 1/4.
  const torch::Tensor b =
      boxes({{0, 0, 0.5f, 0.5f}, {0, 0, 0.5f, 0.25f}, {0.5f, 0.5f, 1, 1}, {0.25f, 0.25f, 0.25f, 0.25f}});
  EXPECT_LE(largest_difference(generalized_box_iou(a, b), torch::tensor({1.0f, 0.5f, -0.5f, 0.0f})), 1e-6);
  EXPECT_EQ(generalized_box_iou(b.unsqueeze(1), b.unsqueeze(0)).sizes(), (std::vector<int64_t>{4, 4}));
}

TEST(GeneralizedBoxIou, IsFiniteForEmptyBoxesAndSoIsItsGradient) {
  const torch::Tensor a = torch::zeros({1, 4}).requires_grad_();
  const torch::Tensor value = generalized_box_iou(a, torch::zeros({1, 4}));
  EXPECT_EQ(value.item<double>(), 0);
  value.backward(torch::ones({1}));
  EXPECT_TRUE(a.grad().isfinite().all().item<bool>());
}

}  // namespace
}  // namespace lamina::nn
