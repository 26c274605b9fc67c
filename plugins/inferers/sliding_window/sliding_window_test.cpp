// The sliding window against evaluation of the whole volume at once, its memory, its mirrors.
#include "sliding_window.hpp"

#include <lamina/base/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>

#include <ATen/Functions.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace lamina {

namespace {

class Collector : public SlabSink {
 public:
  void put(const torch::Tensor& scores) override {
    ASSERT_FALSE(finished);
    slabs.push_back(scores);
  }
  void finish() override { finished = true; }
  torch::Tensor whole() const { return at::cat(slabs, 1); }
  std::vector<torch::Tensor> slabs;
  bool finished = false;
};

class CountingSink : public SlabSink {
 public:
  void put(const torch::Tensor& scores) override { slices += scores.size(1); }
  void finish() override {}
  int64_t slices = 0;
};

/// Bytes that torch holds on this thread, and the most it held.
class MemoryRecorder : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    now += size;
    most = std::max(most, now);
    largest = std::max(largest, size);
  }
  void reportOutOfMemory(int64_t, size_t, size_t, c10::Device) override {}
  bool memoryProfilingEnabled() const override { return true; }
  int64_t now = 0, most = 0, largest = 0;
};

Case random_case(const Size3& size, int64_t channels = 1) {
  at::manual_seed(3);
  Case one;
  one.id = "one";
  one.images = Streams<Volume>(Volume{at::randn({channels, size[0], size[1], size[2]}), {}});
  return one;
}

/// Three classes, each a function of the voxel alone.
torch::Tensor pointwise(const torch::Tensor& image, int64_t axis) {
  return at::cat({image, image.square() - 1, image.sin()}, axis);
}

Prediction fake_forward(const Batch& batch) {
  Prediction made;
  Output output;
  output.classes = pointwise(batch.images.primary(), 1);
  made.outputs = Streams<Output>(output);
  return made;
}

InfererContext context_for(const Size3& patch, int64_t batch = 2) {
  InfererContext context;
  context.patch = patch;
  context.classes = 3;
  context.batch = batch;
  context.dataset.flip_axes = {"x"};
  return context;
}

torch::Tensor infer(const SlidingWindowOptions& options, const InfererContext& context, const Case& one) {
  Collector sink;
  SlidingWindow(options, context).run(one, fake_forward, sink, [](int64_t, int64_t) {});
  EXPECT_TRUE(sink.finished);
  return sink.whole();
}

}  // namespace

TEST(SlidingWindow, EqualsTheWholeVolumeForAPointwiseNetwork) {
  const std::pair<Size3, Size3> cases[] = {{{11, 13, 17}, {4, 6, 8}}, {{5, 20, 9}, {1, 8, 8}},
                                           {{3, 5, 7}, {4, 6, 8}},    {{9, 4, 30}, {4, 6, 8}},
                                           {{12, 12, 12}, {4, 4, 4}}, {{2, 8, 8}, {5, 8, 8}}};
  for (const auto& [size, patch] : cases) {
    const Case one = random_case(size);
    for (const std::string weights : {"gaussian", "uniform"}) {
      for (const double overlap : {0.0, 0.5, 0.75}) {
        SlidingWindowOptions options;
        options.weights = weights;
        options.overlap = overlap;
        const torch::Tensor whole = infer(options, context_for(patch, 3), one);
        const torch::Tensor expected = pointwise(one.images.primary().voxels, 0);
        ASSERT_EQ(whole.sizes(), expected.sizes());
        EXPECT_LT((whole - expected).abs().max().item<float>(), 2e-5) << weights << overlap;
      }
    }
  }
}

TEST(SlidingWindow, WeighsOverlappingWindowsAsTheDenseSumDoes) {
  const Case one = random_case({6, 9, 10});
  const Size3 patch{4, 6, 6};
  // The position inside the window decides: overlaps must average.
  const auto forward = [&](const Batch& batch) {
    Prediction made = fake_forward(batch);
    Output& output = made.outputs.primary();
    output.classes =
        output.classes + at::arange(patch[2]).view({1, 1, 1, 1, -1}) + at::arange(patch[0]).view({1, 1, -1, 1, 1});
    return made;
  };
  Collector sink;
  SlidingWindow({}, context_for(patch)).run(one, forward, sink, [](int64_t, int64_t) {});
  torch::Tensor sum = at::zeros({3, 6, 9, 10}), total = at::zeros({6, 9, 10});
  const auto gauss = [](int64_t d, double sigma) {
    return std::exp(-0.5 * static_cast<double>(d * d) / (sigma * sigma));
  };
  for (const int64_t z : {0, 2}) {
    for (const int64_t y : {0, 3}) {
      for (const int64_t x : {0, 2, 4}) {
        for (int64_t i = 0; i < 4; ++i) {
          for (int64_t j = 0; j < 6; ++j) {
            for (int64_t k = 0; k < 6; ++k) {
              const double weight = gauss(i - 2, 0.5) * gauss(j - 3, 0.75) * gauss(k - 3, 0.75);
              const torch::Tensor voxel =
                  one.images.primary().voxels.narrow(1, z + i, 1).narrow(2, y + j, 1).narrow(3, x + k, 1);
              sum.narrow(1, z + i, 1)
                  .narrow(2, y + j, 1)
                  .narrow(3, x + k, 1)
                  .add_((pointwise(voxel, 0) + k + i) * weight);
              total[z + i][y + j][x + k] += weight;
            }
          }
        }
      }
    }
  }
  EXPECT_LT((sink.whole() - sum / total).abs().max().item<float>(), 1e-4);
}

TEST(SlidingWindow, EmitsSlabsInOrderAsSoonAsTheyAreFinished) {
  Collector sink;
  std::vector<size_t> slabs_after;
  SlidingWindow({}, context_for({4, 8, 8}, 1))
      .run(random_case({8, 8, 8}), fake_forward, sink, [&](int64_t done, int64_t total) {
        EXPECT_EQ(total, 3);
        EXPECT_EQ(done, static_cast<int64_t>(slabs_after.size()) + 1);
        slabs_after.push_back(sink.slabs.size());
      });
  EXPECT_EQ(slabs_after, (std::vector<size_t>{0, 0, 1}));
  ASSERT_EQ(sink.slabs.size(), 3u);
  EXPECT_EQ(sink.slabs[0].size(1), 2);
  EXPECT_EQ(sink.slabs[2].size(1), 4);
}

TEST(SlidingWindow, MirrorsOnlyAlongTheDatasetsAxes) {
  SlidingWindowOptions options;
  options.tta = "mirror";
  std::vector<int64_t> first_voxel;
  Case one = random_case({4, 6, 8});
  one.images.primary().voxels = at::arange(4 * 6 * 8, at::kFloat).view({1, 4, 6, 8});
  Collector sink;
  const auto forward = [&](const Batch& batch) {
    first_voxel.push_back(static_cast<int64_t>(batch.images.primary().flatten()[0].item<float>()));
    return fake_forward(batch);
  };
  SlidingWindow(options, context_for({4, 6, 8})).run(one, forward, sink, [](int64_t, int64_t) {});
  EXPECT_EQ(first_voxel, (std::vector<int64_t>{0, 7}));
  EXPECT_LT((sink.whole() - pointwise(one.images.primary().voxels, 0)).abs().max().item<float>(), 1e-2);
  options.axes = {"z", "y", "x"};
  first_voxel.clear();
  SlidingWindow(options, context_for({4, 6, 8})).run(one, forward, sink = Collector(), [](int64_t, int64_t) {});
  EXPECT_EQ(first_voxel.size(), 8u);
}

TEST(SlidingWindow, HoldsSlabsAndNeverTheWholeVolume) {
  const Size3 patch{4, 16, 16};
  const Case shallow = random_case({16, 40, 40}), deep = random_case({64, 40, 40});
  SlidingWindowOptions options;
  options.tta = "mirror";
  const SlidingWindow window(options, context_for(patch));
  // The forward hands out what it made before: activations of a network are not the window's business.
  const auto prediction = fake_forward([&] {
    Batch batch;
    batch.images = Streams<torch::Tensor>(at::zeros({2, 1, 4, 16, 16}));
    return batch;
  }());
  const auto forward = [&](const Batch& batch) {
    Prediction part = prediction;
    Output& output = part.outputs.primary();
    output.classes = output.classes.narrow(0, 0, batch.images.primary().size(0));
    return part;
  };
  int64_t most[2];
  for (int i = 0; i < 2; ++i) {
    const Case& one = i == 0 ? shallow : deep;
    const auto recorder = std::make_shared<MemoryRecorder>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, recorder);
    CountingSink sink;
    window.run(one, forward, sink, [](int64_t, int64_t) {});
    EXPECT_EQ(sink.slices, one.images.primary().size()[0]);
    EXPECT_LE(recorder->largest, 4 * 3 * 4 * 40 * 40);  // [K, pz, H, W] float32
    EXPECT_LE(recorder->most, window.peak_bytes(one));
    EXPECT_GT(recorder->most, window.peak_bytes(one) / 3);
    most[i] = recorder->most;
  }
  EXPECT_EQ(most[0], most[1]);
}

/// Slices of a volume of D, seen by windows of 3 that move slice by slice; class scores depend on where in the window.
torch::Tensor seen_by_position(const SlidingWindowOptions& options, const Case& one) {
  const auto forward = [](const Batch& batch) {
    Prediction made = fake_forward(batch);
    Output& output = made.outputs.primary();
    output.classes =
        output.classes + at::arange(3).view({1, 1, -1, 1, 1}) * at::tensor({1.0, 0.0, 2.0}).view({1, -1, 1, 1, 1});
    return made;
  };
  Collector sink;
  SlidingWindow(options, context_for({3, 6, 8})).run(one, forward, sink, [](int64_t, int64_t) {});
  return sink.whole();
}

// MA-SAM's: every slice is seen by up to as many windows as a window has slices, and probabilities are averaged.
TEST(SlidingWindow, AveragesProbabilitiesOfEveryWindowThatSeesASlice) {
  SlidingWindowOptions options;
  options.overlap = 2.0 / 3;
  options.weights = "uniform";
  options.average = "probabilities";
  const Case one = random_case({7, 6, 8});
  const torch::Tensor scores = pointwise(one.images.primary().voxels, 0);  // [3, 7, 6, 8]
  torch::Tensor expected = at::zeros_like(scores), count = at::zeros({7});
  for (int64_t begin = 0; begin + 3 <= 7; ++begin) {
    for (int64_t i = 0; i < 3; ++i) {
      const torch::Tensor shift = at::tensor({1.0, 0.0, 2.0}).view({3, 1, 1}) * i;
      expected.select(1, begin + i).add_((scores.select(1, begin + i) + shift).softmax(0).to(at::kFloat));
      count[begin + i] += 1;
    }
  }
  EXPECT_EQ(count[3].item<float>(), 3);
  EXPECT_LT((seen_by_position(options, one) - expected / count.view({1, 7, 1, 1})).abs().max().item<float>(), 1e-6);
}

TEST(SlidingWindow, ListensToTheMiddleSliceWhereThereIsOne) {
  SlidingWindowOptions options;
  options.overlap = 2.0 / 3;
  options.weights = "centre";
  const Case one = random_case({7, 6, 8});
  const torch::Tensor scores = pointwise(one.images.primary().voxels, 0), found = seen_by_position(options, one);
  const torch::Tensor step = at::tensor({1.0, 0.0, 2.0}).view({3, 1, 1});
  for (int64_t slice = 0; slice < 7; ++slice) {
    const int64_t place = slice == 0 ? 0 : slice == 6 ? 2 : 1;  // the ends are never in the middle
    EXPECT_LT((found.select(1, slice) - scores.select(1, slice) - place * step).abs().max().item<double>(), 2e-5)
        << slice;
  }
}

TEST(SlidingWindow, ScalesEachWindowWhereAsked) {
  SlidingWindowOptions options;
  options.unit_range = true;
  options.overlap = 0;
  const Case one = random_case({6, 6, 8});
  torch::Tensor image = one.images.primary().voxels.clone();
  for (const int64_t begin : {0, 3}) {
    torch::Tensor window = image.narrow(1, begin, 3);
    window.sub_(window.min().item()).div_(window.max().item());
  }
  const torch::Tensor found = infer(options, context_for({3, 6, 8}), one);
  EXPECT_LT((found - pointwise(image, 0)).abs().max().item<float>(), 1e-5);
}

TEST(SlidingWindow, SaysWhatIsWrongWithADecodersOutput) {
  InfererContext context = context_for({4, 6, 8});
  context.classes = 5;
  Collector sink;
  try {
    SlidingWindow({}, context).run(random_case({4, 6, 8}), fake_forward, sink, [](int64_t, int64_t) {});
    FAIL() << "three classes were taken for five";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("expected [1, 5, 4, 6, 8]"), std::string::npos) << error.what();
  }
}

TEST(SlidingWindow, RefusesAxesWithoutMirroring) {
  SlidingWindowOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"axes": ["x"], "overlap": 0.5})"), "infer", errors);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors.problems()[0].find("infer.axes"), std::string::npos);
}

}  // namespace lamina
