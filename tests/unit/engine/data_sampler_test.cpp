// Training patches: where they lie, what is padded, and that they depend on (seed, epoch, sample) alone.
#include "balls_fixture.hpp"

#include "engine/data/crop.hpp"
#include "engine/data/prefetch.hpp"
#include "engine/data/sampler.hpp"

#include <torch/utils.h>

namespace lamina::engine::testing {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class Sampling : public BallsTest {
 protected:
  Sampling() : data(dataset()), prepared(data, chain("[]", *data), folder) {}

  SamplerSetup setup() const {
    SamplerSetup setup;
    setup.ids = data->ids(Split::Train);
    setup.patch = {3, 8, 8};
    return setup;
  }
  Sampler sampler(const SamplerSetup& setup, const std::string& augment = "[]") const {
    const ConfigNode list = ConfigNode::parse(augment);
    std::vector<ConfigNode> steps;
    for (size_t i = 0; i < list.size(); ++i) {
      ConfigNode step = as_entry(list.at(i));
      steps.push_back(step);
    }
    return {prepared, setup, steps, TransformContext{data->info(), setup.patch}, registry};
  }

  std::shared_ptr<const Dataset> data;
  PreparedDataset prepared;
};

TEST_F(Sampling, BatchesHaveTheShapesAndTypesOfTheContract) {
  const Batch batch = sampler(setup()).batch(0, 3);
  EXPECT_EQ(batch.images.primary().sizes(), (torch::IntArrayRef{2, 1, 3, 8, 8}));
  EXPECT_EQ(batch.labels.primary().sizes(), (torch::IntArrayRef{2, 1, 3, 8, 8}));
  EXPECT_EQ(batch.images.primary().scalar_type(), torch::kFloat32);
  EXPECT_EQ(batch.labels.primary().scalar_type(), torch::kInt64);
  EXPECT_EQ(batch.sample, (std::vector<int64_t>{6, 7}));
  EXPECT_EQ(batch.ids.size(), 2u);
}

TEST_F(Sampling, IsAFunctionOfSeedEpochAndSample) {
  const auto one = sampler(setup()), other = sampler(setup());
  EXPECT_TRUE(same(one.batch(2, 5).images.primary(), other.batch(2, 5).images.primary()));
  EXPECT_FALSE(same(one.batch(2, 5).images.primary(), one.batch(3, 5).images.primary()));
  EXPECT_FALSE(same(one.batch(2, 5).images.primary(), one.batch(2, 6).images.primary()));
  SamplerSetup reseeded = setup();
  reseeded.seed = 2;
  EXPECT_FALSE(same(one.batch(2, 5).images.primary(), sampler(reseeded).batch(2, 5).images.primary()));
}

TEST_F(Sampling, ForcesForegroundInTheLastRowsOfABatch) {
  SamplerSetup many = setup();
  many.batch = 6;
  const Sampler one = sampler(many);
  std::vector<bool> forced;
  for (int64_t i = 0; i < 6; ++i) forced.push_back(one.forced(i, Random(1)));
  EXPECT_EQ(forced, (std::vector<bool>{false, false, false, false, true, true}));  // round(6 * 0.67) = 4
  many.patch = {1, 1, 1};
  const Sampler voxel = sampler(many);
  for (int64_t index = 0; index < 20; ++index) {
    const torch::Tensor labels = voxel.batch(0, index).labels.primary().flatten();
    EXPECT_GT(labels[4].item<int64_t>(), 0);
    EXPECT_GT(labels[5].item<int64_t>(), 0);
  }
}

TEST_F(Sampling, DrawsForegroundClassesEvenlyAndBackgroundSometimes) {
  SamplerSetup voxel = setup();
  voxel.patch = {1, 1, 1};
  const Sampler one = sampler(voxel);
  std::array<int, 3> free{}, forced{};
  for (int64_t index = 0; index < 400; ++index) {
    const torch::Tensor labels = one.batch(0, index).labels.primary().flatten();
    ++free.at(static_cast<size_t>(labels[0].item<int64_t>()));
    ++forced.at(static_cast<size_t>(labels[1].item<int64_t>()));
  }
  EXPECT_EQ(forced[0], 0);
  EXPECT_NEAR(forced[1], 200, 50);  // the core has far fewer voxels, but is drawn as often
  EXPECT_GT(free[0], 300);
}

TEST_F(Sampling, ASingleSampleIsForcedByChance) {
  SamplerSetup single = setup();
  single.batch = 1;
  const Sampler one = sampler(single);
  int count = 0;
  for (uint64_t i = 0; i < 1000; ++i) count += one.forced(0, Random(i));
  EXPECT_NEAR(count, 330, 60);
}

TEST_F(Sampling, PadsSmallCasesWithZerosAndSaysWhatIsValid) {
  SamplerSetup large = setup();
  large.patch = {10, 8, 24};
  const Batch batch = sampler(large).batch(0, 0);
  EXPECT_EQ(batch.valid[0].begin, (std::array<int64_t, 3>{2, 0, 2}));
  EXPECT_EQ(batch.valid[0].end, (std::array<int64_t, 3>{8, 8, 22}));
  EXPECT_EQ(batch.images.primary().slice(2, 0, 2).abs().sum().item<float>(), 0);
  EXPECT_EQ(batch.images.primary().slice(4, 22, 24).abs().sum().item<float>(), 0);
}

TEST_F(Sampling, EnlargesWhatItCutsByTheReachOfAugmentation) {
  // A reach without any movement must give the patch that is cut without augmentation.
  const Sampler plain = sampler(setup()), reaching = sampler(setup(), R"([{"type": "shake", "reach": 1.7}])");
  const torch::Tensor difference = reaching.batch(0, 1).images.primary() - plain.batch(0, 1).images.primary();
  for (const auto& row : difference.unbind(0)) EXPECT_LT((row.max() - row.min()).item<float>(), 1e-5);
  EXPECT_GT(difference.abs().max().item<float>(), 1e-3);
}

TEST_F(Sampling, KeepsTheCentreWhenSeveralStepsReachBeyondThePatch) {
  const Sampler plain = sampler(setup());
  const Sampler reaching = sampler(
      setup(), R"([{"type": "shake", "reach": 1.2}, {"type": "shake", "reach": 1.7}, {"type": "shake", "reach": 1}])");
  const torch::Tensor difference = reaching.batch(0, 1).images.primary() - plain.batch(0, 1).images.primary();
  for (const auto& row : difference.unbind(0)) EXPECT_LT((row.max() - row.min()).item<float>(), 1e-5);
}

TEST_F(Sampling, CroppedGeometryPointsToTheSamePlace) {
  const Volume volume = data->load("train0", WithLabels::No).images.primary();
  const Volume cut = crop(volume, {{-1, 2, 3}, {4, 9, 9}});
  EXPECT_EQ(cut.size(), (Size3{5, 7, 6}));
  EXPECT_EQ(to_physical(cut.geometry, {1, 0, 0}), to_physical(volume.geometry, {0, 2, 3}));
  EXPECT_EQ(cut.voxels[0][1][0][0].item<float>(), volume.voxels[0][0][2][3].item<float>());
}

TEST_F(Sampling, AugmentationErrorsNameTheCase) {
  SamplerSetup one = setup();
  one.ids = {"train2"};
  EXPECT_THAT([&] { sampler(one, R"([{"type": "shake", "broken": "train2"}])").batch(0, 0); },
              ThrowsMessage<DataError>(HasSubstr("case train2: augment step 0 (shake): it shook")));
}

TEST_F(Sampling, AnEmptyTrainingSplitIsRefused) {
  SamplerSetup none = setup();
  none.ids = {};
  EXPECT_THROW(sampler(none), DataError);
}

TEST_F(Sampling, WorkersChangeNothing) {
  at::set_num_threads(2);
  const Sampler one = sampler(setup(), R"(["shake"])");
  const auto all = [&](int64_t workers) {
    Prefetch prefetch([&](int64_t index) { return one.batch(0, index); }, 3, 20, workers);
    std::vector<torch::Tensor> images;
    for (int64_t i = 3; i < 20; ++i) images.push_back(prefetch.next().images.primary());
    return torch::stack(images);
  };
  const torch::Tensor alone = all(0);
  EXPECT_TRUE(same(alone, all(1)));
  EXPECT_TRUE(same(alone, all(2)));
  EXPECT_TRUE(same(alone, all(5)));
  EXPECT_EQ(at::get_num_threads(), 2);
}

TEST(Prefetching, KeepsOrderAndBounds) {
  std::atomic<int64_t> made{0}, taken{0}, furthest{0};
  const auto make = [&](int64_t index) {
    int64_t seen = furthest.load();
    while (index - taken.load() > seen && !furthest.compare_exchange_weak(seen, index - taken.load())) continue;
    if (index % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ++made;
    Batch batch;
    batch.sample = {index};
    return batch;
  };
  Prefetch prefetch(make, 0, 40, 3, 5);
  for (int64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(prefetch.next().sample.front(), i);
    ++taken;
  }
  EXPECT_LE(furthest.load(), 6);  // five wait, and one is between the queue and the count
  EXPECT_EQ(made.load(), 40);
  EXPECT_THROW(prefetch.next(), Error);
}

TEST(Prefetching, HandsExceptionsToTheCallerInOrder) {
  for (const int64_t workers : {0, 1, 3}) {
    const auto make = [](int64_t index) {
      if (index == 2) throw DataError("case a: file a.nii.gz is truncated");
      return Batch{};
    };
    Prefetch prefetch(make, 0, 10, workers);
    prefetch.next();
    prefetch.next();
    EXPECT_THAT([&] { prefetch.next(); }, ThrowsMessage<DataError>(HasSubstr("case a: file a.nii.gz")));
  }
}

TEST(Prefetching, EndsWhileBatchesWait) {
  Prefetch prefetch([](int64_t) { return Batch{}; }, 0, 1000000, 2);
  prefetch.next();
}

TEST(Prefetching, WorkersUseOneThreadAndNoGradients) {
  at::set_num_threads(2);
  std::atomic<int> threads{0};
  std::atomic<bool> grad{true};
  Prefetch prefetch(
      [&](int64_t) {
        threads = at::get_num_threads();
        grad = torch::GradMode::is_enabled();
        return Batch{};
      },
      0, 1, 1);
  prefetch.next();
  EXPECT_EQ(threads.load(), 1);
  EXPECT_FALSE(grad.load());
  int later = 0;
  std::thread([&] { later = at::get_num_threads(); }).join();
  EXPECT_EQ(later, 2);
}

}  // namespace lamina::engine::testing
