// The phantom is a function of its options: equal everywhere, and hard enough to be worth learning.
#include "phantom.hpp"

#include <lamina/base/random.hpp>

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include <torch/utils.h>

namespace lamina {
namespace {

PhantomOptions small() {
  PhantomOptions options;
  options.size = {8, 48, 48};
  options.spacing = {9, 2, 2};
  return options;
}

uint64_t hash_of(const torch::Tensor& tensor) {
  const torch::Tensor bytes = tensor.contiguous();
  return hash_name({static_cast<const char*>(bytes.data_ptr()), bytes.nbytes()});
}

TEST(Phantom, MakesTheSameCaseEveryTime) {
  const Phantom a(small(), {}), b(small(), {});
  const Case one = a.load("phantom_train_000", WithLabels::Yes), two = b.load("phantom_train_000", WithLabels::Yes);
  EXPECT_TRUE(one.images.primary().voxels.equal(two.images.primary().voxels));
  EXPECT_TRUE(one.labels.primary().voxels.equal(two.labels.primary().voxels));
}

TEST(Phantom, TrainsWithinItsLabelBudget) {
  PhantomOptions few = small(), slices = small();
  few.cases.labels.budget = 3;
  EXPECT_EQ(Phantom(few, {}).ids(Split::Train).size(), 3);
  EXPECT_EQ(Phantom(few, {}).ids(Split::Test), Phantom(small(), {}).ids(Split::Test));
  slices.cases.labels.budget = 0.25;
  slices.cases.labels.budget_unit = "slice";
  const Phantom quarter(slices, {});
  EXPECT_EQ(quarter.ids(Split::Train).size(), 16);
  EXPECT_EQ(quarter.load("phantom_train_000", WithLabels::Yes).labels.primary().size()[0], 2);
  EXPECT_EQ(quarter.load("phantom_val_000", WithLabels::Yes).labels.primary().size()[0], 8);
}

TEST(Phantom, MakesTheSameCasesOnSeveralThreads) {
  const Phantom phantom(small(), {});
  const auto ids = phantom.ids(Split::Train);
  std::vector<uint64_t> together(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < together.size(); ++i) {
    threads.emplace_back(
        [&, i] { together[i] = hash_of(phantom.load(ids[i], WithLabels::No).images.primary().voxels); });
  }
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < together.size(); ++i) {
    EXPECT_EQ(together[i], hash_of(phantom.load(ids[i], WithLabels::No).images.primary().voxels));
  }
}

TEST(Phantom, DiffersBetweenCasesAndSeeds) {
  auto options = small();
  const Phantom first(options, {});
  options.seed = 2;
  const Phantom second(options, {});
  std::set<uint64_t> hashes;
  for (const auto* phantom : {&first, &second}) {
    for (const auto& id : phantom->ids(Split::Train))
      hashes.insert(hash_of(phantom->load(id, WithLabels::Yes).labels.primary().voxels));
  }
  EXPECT_EQ(hashes.size(), 32U);
  EXPECT_NE(first.fingerprint(), second.fingerprint());
}

TEST(Phantom, KeepsACaseWhenTheNumberOfCasesChanges) {
  auto options = small();
  const Phantom few(options, {});
  options.cases.train = 40;
  const Phantom many(options, {});
  EXPECT_TRUE(few.load("phantom_val_001", WithLabels::No)
                  .images.primary()
                  .voxels.equal(many.load("phantom_val_001", WithLabels::No).images.primary().voxels));
}

TEST(Phantom, HasEveryOrganInEveryCase) {
  const Phantom phantom(PhantomOptions{}, {});
  for (const auto& id : phantom.ids(Split::Val)) {
    const auto counts = torch::bincount(phantom.load(id, WithLabels::Yes).labels.primary().voxels.flatten(), {}, 5);
    for (int64_t organ = 1; organ < 4; ++organ)
      EXPECT_GT(counts[organ].item<int64_t>(), 300) << id << " class " << organ;
  }
}

TEST(Phantom, GivesFewerClassesWhenAsked) {
  auto options = small();
  options.classes = 2;
  const Phantom phantom(options, {});
  EXPECT_EQ(phantom.info().classes, (std::vector<std::string>{"background", "liver"}));
  EXPECT_EQ(phantom.load("phantom_train_000", WithLabels::Yes).labels.primary().voxels.max().item<int64_t>(), 1);
}

TEST(Phantom, WithholdsLabels) {
  const Case one = Phantom(small(), {}).load("phantom_test_000", WithLabels::No);
  EXPECT_FALSE(one.has_label());
  EXPECT_EQ(one.images.primary().size(), (Size3{8, 48, 48}));
  EXPECT_EQ(one.images.primary().geometry.spacing, (std::array<double, 3>{9, 2, 2}));
}

TEST(Phantom, NamesItselfGenerated) { EXPECT_TRUE(Phantom(small(), {}).info().generated); }

}  // namespace
}  // namespace lamina
