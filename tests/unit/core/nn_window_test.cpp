// Windows and tables of relative position.
#include <lamina/nn/rel_pos.hpp>
#include <lamina/nn/window.hpp>

#include "component_test.hpp"

namespace lamina::nn {
namespace {

using ::testing::HasSubstr;
using testing::normal;

TEST(Windows, HoldTheGridRowByRowAndZerosBeyondIt) {
  const torch::Tensor grid = normal({2, 5, 7, 3});
  const torch::Tensor windows = window_partition(grid, 4);  // 2 x 2 windows
  ASSERT_EQ(windows.sizes(), (std::vector<int64_t>{8, 4, 4, 3}));
  EXPECT_TRUE(torch::equal(windows[0], grid[0].slice(0, 0, 4).slice(1, 0, 4)));
  EXPECT_TRUE(torch::equal(windows[1].slice(1, 0, 3), grid[0].slice(0, 0, 4).slice(1, 4, 7)));
  EXPECT_TRUE(torch::equal(windows[6][0], grid[1][4].slice(0, 0, 4)));
  EXPECT_EQ(windows[1].select(1, 3).abs().max().item<float>(), 0);
  EXPECT_EQ(windows[6].slice(0, 1).abs().max().item<float>(), 0);
}

TEST(Windows, AreFilledUpWithAValue) {
  const torch::Tensor grid = normal({2, 5, 7, 3}), value = normal({3}, 2);
  const torch::Tensor filled = fill_windows(grid, value, 4);
  ASSERT_EQ(filled.sizes(), (std::vector<int64_t>{2, 8, 8, 3}));
  EXPECT_TRUE(torch::equal(filled.slice(1, 0, 5).slice(2, 0, 7), grid));
  EXPECT_TRUE(torch::equal(filled[1].slice(0, 5), value.expand({3, 8, 3})));
  EXPECT_TRUE(torch::equal(filled[0].select(1, 7), value.expand({8, 3})));
  EXPECT_TRUE(fill_windows(filled, value, 4).is_same(filled));
}

TEST(Windows, AreUndoneByJoining) {
  for (const auto& [height, width] : {std::pair{8, 8}, {5, 7}, {2, 3}, {12, 4}}) {
    const torch::Tensor grid = normal({2, height, width, 3});
    EXPECT_TRUE(torch::equal(window_unpartition(window_partition(grid, 4), height, width), grid));
  }
}

TEST(Windows, MayBeRectanglesWhenTheyAreJoined) {
  const torch::Tensor grid = normal({1, 4, 6, 2});  // windows of 2 x 3
  const torch::Tensor windows = grid.view({1, 2, 2, 2, 3, 2}).transpose(2, 3).reshape({4, 2, 3, 2});
  EXPECT_TRUE(torch::equal(window_unpartition(windows, 4, 6), grid));
}

TEST(RelPos, TakesTheRowOfTheDistance) {
  const torch::Tensor table = normal({5, 2});  // distances -2 to 2
  const torch::Tensor gathered = gather_rel_pos(table, 3);
  ASSERT_EQ(gathered.sizes(), (std::vector<int64_t>{3, 3, 2}));
  for (int64_t query = 0; query < 3; ++query) {
    for (int64_t key = 0; key < 3; ++key) EXPECT_TRUE(torch::equal(gathered[query][key], table[query - key + 2]));
  }
}

TEST(RelPos, ResizesAlongTheRowsAndLeavesWhatFits) {
  const torch::Tensor table = torch::arange(9, torch::kFloat32).view({9, 1}) * torch::tensor({{1.0F, 2.0F}});
  EXPECT_TRUE(resize_rel_pos(table, 5).is_same(table));
  const torch::Tensor smaller = resize_rel_pos(table, 2);  // 9 rows -> 3: centres 1, 4, 7
  EXPECT_LE(testing::largest_difference(smaller, torch::tensor({{1.0F, 2.0F}, {4.0F, 8.0F}, {7.0F, 14.0F}})), 1e-6);
}

TEST(RelPos, RefusesATableOfAnotherSize) {
  EXPECT_THAT(testing::message_of([] { gather_rel_pos(normal({6, 2}), 3); }), HasSubstr("expected [5, *]"));
}

}  // namespace
}  // namespace lamina::nn
