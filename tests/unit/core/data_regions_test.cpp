// Connected components, where regions lie, and their innermost pixels, on masks small enough to check by hand.
#include <lamina/base/random.hpp>
#include <lamina/data/components.hpp>
#include <lamina/data/regions.hpp>

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace lamina {
namespace {

/// '#' is inside.
torch::Tensor drawing(const std::vector<std::string>& rows) {
  torch::Tensor mask = at::zeros({std::ssize(rows), std::ssize(rows.front())}, at::kBool);
  for (size_t y = 0; y < rows.size(); ++y) {
    for (size_t x = 0; x < rows[y].size(); ++x) mask[y][x] = rows[y][x] == '#';
  }
  return mask;
}

std::vector<int64_t> numbers_of(const torch::Tensor& mask, Connectivity connectivity) {
  const torch::Tensor map = component_map(mask.unsqueeze(0), connectivity).flatten();
  return {map.data_ptr<int64_t>(), map.data_ptr<int64_t>() + map.numel()};
}

void expect_pixel(const std::optional<Pixel>& pixel, int64_t x, int64_t y) {
  ASSERT_TRUE(pixel.has_value());
  EXPECT_EQ(pixel->x, x);
  EXPECT_EQ(pixel->y, y);
}

TEST(ComponentMap, NumbersComponentsByTheirFirstVoxel) {
  const torch::Tensor mask = drawing({"#.#", "..#", "##."});
  EXPECT_EQ(numbers_of(mask, Connectivity::Faces), (std::vector<int64_t>{1, 0, 2, 0, 0, 2, 3, 3, 0}));
  EXPECT_EQ(numbers_of(mask, Connectivity::Full), (std::vector<int64_t>{1, 0, 2, 0, 0, 2, 2, 2, 0}));
}

TEST(ComponentMap, JoinsAcrossSlicesAndLeavesTheMaskAlone) {
  torch::Tensor mask = at::zeros({3, 2, 2}, at::kBool);
  mask[0][0][0] = mask[1][1][1] = mask[2][1][1] = true;
  const torch::Tensor before = mask.clone();
  EXPECT_EQ(component_map(mask, Connectivity::Full).max().item<int64_t>(), 1);
  EXPECT_EQ(component_map(mask, Connectivity::Faces)[2][1][1].item<int64_t>(), 2);
  EXPECT_TRUE(at::equal(mask, before));
  EXPECT_EQ(component_map(at::zeros({1, 2, 3}, at::kBool), Connectivity::Full).abs().sum().item<int64_t>(), 0);
}

TEST(Regions, KnowWhereTheyLie) {
  torch::Tensor numbers = at::zeros({4, 6}, at::kLong);
  numbers[0][0] = 7;
  numbers.slice(0, 1, 4).slice(1, 2, 6).fill_(3);
  numbers[2][3] = 7;
  const std::vector<Region> regions = regions_of(numbers);
  ASSERT_EQ(regions.size(), 2);
  const auto parts = [](const Region& r) {
    return std::vector<int64_t>{r.number, r.area, r.left, r.top, r.right, r.bottom};
  };
  EXPECT_EQ(parts(regions[0]), (std::vector<int64_t>{3, 11, 2, 1, 5, 3}));
  EXPECT_EQ(parts(regions[1]), (std::vector<int64_t>{7, 2, 0, 0, 3, 2}));
  EXPECT_TRUE(regions_of(at::zeros({2, 2}, at::kLong)).empty());
}

TEST(MostInterior, IsTheCentreOfWhatIsThick) {
  expect_pixel(most_interior(drawing({"......", ".#....", "......"})), 1, 1);
  expect_pixel(most_interior(drawing({".......", ".###...", ".######", ".###...", "......."})), 2, 2);
  EXPECT_FALSE(most_interior(at::zeros({3, 3}, at::kBool)).has_value());
}

TEST(MostInterior, TreatsWhatLiesBeyondTheImageAsOutside) {
  expect_pixel(most_interior(at::ones({5, 7}, at::kBool)), 3, 2);
  expect_pixel(most_interior(drawing({"##....", "###...", "##...."})), 1, 1);
}

// A bar is as thick everywhere; its middle is meant, not an end.
TEST(MostInterior, PrefersTheMiddleAmongEquals) {
  expect_pixel(most_interior(drawing({".........", ".#######.", "........."})), 4, 1);
  expect_pixel(most_interior(drawing({"####", "####"})), 1, 0);  // four equals around the centre: the first
}

// Against the distances to every pixel outside.
TEST(MostInterior, EqualsTheSearchOverAllPairs) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    constexpr int64_t kHeight = 11, kWidth = 14;
    torch::Tensor mask = at::ones({kHeight, kWidth}, at::kBool);
    for (int64_t hole = 0; hole < 6; ++hole)
      mask[random.integer(0, kHeight - 1)][random.integer(0, kWidth - 1)] = false;
    const torch::Tensor inside = at::constant_pad_nd(mask, {1, 1, 1, 1}, 0).nonzero();
    const torch::Tensor outside = at::constant_pad_nd(mask, {1, 1, 1, 1}, 0).logical_not().nonzero();
    const torch::Tensor nearest = (inside.unsqueeze(1) - outside.unsqueeze(0)).square().sum(2).amin(1);
    const auto pixel = most_interior(mask);
    ASSERT_TRUE(pixel.has_value());
    const torch::Tensor found = inside.eq(at::tensor({pixel->y + 1, pixel->x + 1})).all(1);
    EXPECT_EQ(nearest.index({found}).item<int64_t>(), nearest.max().item<int64_t>());
  }
}

}  // namespace
}  // namespace lamina
