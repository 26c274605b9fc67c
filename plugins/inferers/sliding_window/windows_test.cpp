// Positions and weights of windows against nnU-Net's numbers.
#include "windows.hpp"

#include <gtest/gtest.h>

#include <ATen/ops/arange.h>

namespace lamina {

using Starts = std::vector<int64_t>;

TEST(WindowStarts, EqualThoseOfNnunet) {
  EXPECT_EQ(window_starts(110, 64, 0.5), (Starts{0, 23, 46}));
  EXPECT_EQ(window_starts(128, 128, 0.5), (Starts{0}));
  EXPECT_EQ(window_starts(300, 96, 0.5), (Starts{0, 41, 82, 122, 163, 204}));
}

TEST(WindowStarts, VisitEverySliceOfATwoDimensionalNetwork) {
  EXPECT_EQ(window_starts(4, 1, 0.5), (Starts{0, 1, 2, 3}));
}

TEST(WindowStarts, CoverEveryVoxel) {
  for (const double overlap : {0.0, 0.25, 0.5, 0.9}) {
    for (int64_t size = 7; size < 40; ++size) {
      const Starts starts = window_starts(size, 7, overlap);
      EXPECT_EQ(starts.front(), 0);
      EXPECT_EQ(starts.back(), size - 7);
      for (size_t i = 1; i < starts.size(); ++i) {
        EXPECT_GT(starts[i], starts[i - 1]);
        EXPECT_LE(starts[i] - starts[i - 1], 7);
      }
    }
  }
}

TEST(WindowWeights, EqualThoseOfNnunet) {
  const auto line = window_weights({1, 1, 64}, "gaussian").flatten();
  EXPECT_FLOAT_EQ(line.max().item<float>(), 10.f);
  EXPECT_FLOAT_EQ(line[32].item<float>(), 10.f);
  EXPECT_NEAR(line.min().item<float>(), 3.3546263e-3, 1e-9);
  EXPECT_NEAR(line[24].item<float>(), 6.0653066, 1e-6);
  EXPECT_NEAR(window_weights({1, 1, 96}, "gaussian").flatten()[40].item<float>(), 8.00737403, 1e-6);
  EXPECT_NEAR(window_weights({1, 48, 192}, "gaussian").min().item<float>() / 1.12535175e-6, 1, 1e-6);
  EXPECT_GT(window_weights({128, 128, 128}, "gaussian").min().item<float>(), 0);
}

TEST(WindowWeights, AreOnesWhenUniform) { EXPECT_TRUE(window_weights({2, 3, 4}, "uniform").eq(1).all().item<bool>()); }

TEST(WindowWeights, AreOnesOnTheMiddleSliceOnly) {
  const torch::Tensor weights = window_weights({5, 2, 3}, "centre").flatten(1);
  for (int64_t slice = 0; slice < 5; ++slice)
    EXPECT_TRUE(weights[slice].eq(slice == 2 ? 1.0F : 1e-6F).all().item<bool>()) << slice;
}

TEST(UnitRange, ScalesEachWindowAndChannelByItself) {
  torch::Tensor windows = at::arange(48, at::kFloat).view({2, 2, 2, 2, 3});
  windows[0][1] = 7;
  const torch::Tensor scaled = to_unit_range(windows);
  EXPECT_EQ(scaled[0][0].min().item<float>(), 0);
  EXPECT_EQ(scaled[0][0].max().item<float>(), 1);
  EXPECT_FLOAT_EQ(scaled[1][1].flatten()[3].item<float>(), 3.F / 11);
  EXPECT_TRUE(scaled[0][1].eq(0).all().item<bool>());
}

TEST(CutWindows, PadsBothSidesWithZeroAndSaysWhatIsValid) {
  Case one;
  one.images = Streams<Volume>(Volume{at::arange(1, 7, at::kFloat).view({1, 1, 2, 3}), {}});
  const WindowGrid grid({1, 2, 3}, {1, 4, 6}, 0.5);
  const Batch batch = cut_windows(one, grid, 0, 1);
  const auto pixels = batch.images.primary()[0][0][0];  // [4, 6]
  EXPECT_EQ(pixels.sum().item<float>(), 21);
  EXPECT_EQ(pixels[1][1].item<float>(), 1);
  EXPECT_EQ(pixels[2][3].item<float>(), 6);
  EXPECT_EQ(batch.valid[0].begin, (Size3{0, 1, 1}));
  EXPECT_EQ(batch.valid[0].end, (Size3{1, 3, 4}));
  EXPECT_EQ(batch.geometry[0].origin, (std::array<double, 3>{-1, -1, 0}));
}

}  // namespace lamina
