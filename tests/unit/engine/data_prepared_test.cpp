// Prepared cases: the chain, the cache on disk, damaged files, class locations.
#include "balls_fixture.hpp"

#include "engine/data/case_file.hpp"

#include <lamina/base/atomic_file.hpp>

#include <torch/utils.h>

namespace lamina::engine::testing {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class Prepared : public BallsTest {};

TEST_F(Prepared, ChainFitsEachStepBehindTheOnesBefore) {
  const auto data = dataset();
  auto fitted = chain(R"(["shake", "shake"])", *data);
  fitted->fit(*data, data->ids(Split::Train));
  const TensorDict state = fitted->state();
  ASSERT_EQ(state.size(), 2u);
  const double first = state.at("prepare.0.mean").item<double>(), second = state.at("prepare.1.mean").item<double>();
  Random fixed(0);
  EXPECT_NEAR(second, fixed.uniform(), 1e-5);  // the first step takes its mean away and adds its number
  EXPECT_GT(first, 0);
}

TEST_F(Prepared, RestoredChainDoesTheSame) {
  const auto data = dataset();
  auto fitted = chain(R"(["shake"])", *data), restored = chain(R"(["shake"])", *data);
  fitted->fit(*data, data->ids(Split::Train));
  restored->restore(fitted->state());
  const Case one = data->load("train0", WithLabels::Yes);
  EXPECT_TRUE(same(fitted->apply(one).images.primary().voxels, restored->apply(one).images.primary().voxels));
}

TEST_F(Prepared, FramesAreOneMoreThanSteps) {
  const auto data = dataset();
  auto fitted = chain(R"(["shake"])", *data);
  fitted->fit(*data, data->ids(Split::Train));
  std::vector<Frame> frames;
  fitted->apply(data->load("train0", WithLabels::No), frames);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].size, (Size3{6, 20, 20}));
}

TEST_F(Prepared, ErrorsNameCaseAndStep) {
  const auto data = dataset();
  auto steps = chain(R"([{"type": "shake", "broken": "train1"}])", *data);
  EXPECT_THAT([&] { steps->apply(data->load("train1", WithLabels::No)); },
              ThrowsMessage<DataError>(HasSubstr("case train1: prepare step 0 (shake): it shook itself to pieces")));
}

TEST_F(Prepared, CasesComeBackFromDiskAsTheyWere) {
  const auto data = dataset();
  const PreparedDataset prepared(data, chain("[]", *data), folder);
  const Case raw = data->load("train2", WithLabels::Yes);
  const PreparedCase made = prepared.load("train2");
  EXPECT_TRUE(same(made.content.images.primary().voxels, raw.images.primary().voxels));
  EXPECT_TRUE(same(made.content.labels.primary().voxels, raw.labels.primary().voxels.to(torch::kInt16)));
  EXPECT_EQ(made.content.images.primary().geometry.spacing, raw.images.primary().geometry.spacing);
  EXPECT_EQ(made.content.id, "train2");
  EXPECT_EQ(made.content.valid.end, raw.valid.end);
}

TEST_F(Prepared, NothingIsPreparedTwice) {
  const auto data = dataset();
  const int64_t before = Balls::loads;
  for (int i = 0; i < 2; ++i) {
    PreparedDataset prepared(data, chain("[]", *data), folder);
    prepared.warm(data->ids(Split::Train), 3);
    prepared.load("train0");
  }
  EXPECT_EQ(Balls::loads - before, 4);
}

TEST_F(Prepared, DamagedFilesAreMadeAgain) {
  const auto data = dataset();
  const auto file = folder / case_file_name("train0");
  const torch::Tensor image =
      PreparedDataset(data, chain("[]", *data), folder).load("train0").content.images.primary().voxels;
  const std::string good = read_file(file);
  for (const std::string& bad :
       {std::string(), std::string("junk"), good.substr(0, good.size() - 7), good.substr(0, 40)}) {
    write_file(file, bad);
    const PreparedCase again = PreparedDataset(data, chain("[]", *data), folder).load("train0");
    EXPECT_TRUE(same(again.content.images.primary().voxels, image));
    EXPECT_EQ(read_file(file), good);
  }
}

TEST_F(Prepared, AFailingCaseStopsWarmingWithItsName) {
  const auto data = dataset(R"({"broken": "train3"})");
  PreparedDataset prepared(data, chain("[]", *data), folder);
  EXPECT_THAT([&] { prepared.warm(data->ids(Split::Train), 2); },
              ThrowsMessage<DataError>(HasSubstr("train3.nii.gz is truncated")));
}

TEST_F(Prepared, FileNamesEscapeWhatFileSystemsDislike) {
  EXPECT_EQ(case_file_name("case_01-a"), "case_01-a.safetensors");
  EXPECT_EQ(case_file_name("a/b"), "a%2Fb.safetensors");
  EXPECT_NE(case_file_name(".."), "...safetensors");
}

TEST_F(Prepared, LabelsBeyondInt16AreRefused) {
  Case one = dataset()->load("train0", WithLabels::Yes);
  one.labels.set(kPrimaryStream, {torch::full({1, 6, 20, 20}, 70000, torch::kInt64), {}});
  EXPECT_THAT([&] { write_case(folder / "x.safetensors", one); }, ThrowsMessage<DataError>(HasSubstr("70000")));
}

TEST(Locations, HoldEveryVoxelOfSmallClasses) {
  torch::Tensor labels = torch::zeros({1, 2, 3, 4}, torch::kInt64);
  labels[0][1][2][3] = 1;
  labels[0][0][1][0] = 1;
  labels[0][1][0][0] = 7;
  labels[0][0][0][0] = 9;
  const ClassLocations locations = find_locations(labels, 9);
  ASSERT_EQ(locations.size(), 2u);
  EXPECT_TRUE(same(locations.at(1), torch::tensor({0, 1, 0, 1, 2, 3}, torch::kInt32).view({2, 3})));
  EXPECT_TRUE(same(locations.at(7), torch::tensor({1, 0, 0}, torch::kInt32).view({1, 3})));
}

TEST(Locations, OfLargeClassesAreAFixedSample) {
  const torch::Tensor labels = torch::ones({1, 30, 40, 50}, torch::kInt16);
  const torch::Tensor chosen = find_locations(labels, {}).at(1), again = find_locations(labels, {}).at(1);
  EXPECT_EQ(chosen.size(0), 10000);
  EXPECT_TRUE(same(chosen, again));
  EXPECT_NEAR(chosen.to(torch::kFloat64).mean(0)[0].item<double>(), 14.5, 0.3);  // spread over all of it
  const torch::Tensor huge = torch::ones({1, 120, 100, 100}, torch::kInt16);
  EXPECT_EQ(find_locations(huge, {}).at(1).size(0), 12000);  // a hundredth
}

}  // namespace lamina::engine::testing
