// Random streams: the same on every machine, independent by key, with the right distributions.
#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace lamina {
namespace {

TEST(Random, SameSeedAndKeysGiveTheSameStream) {
  Random one(3, {1, 2}), two(3, {1, 2});
  for (int i = 0; i < 100; ++i) ASSERT_EQ(one.bits(), two.bits());
}

// Files and checkpoints depend on these numbers: they must never change.
TEST(Random, StreamsStayAsTheyAreForEver) {
  Random random(1, {2, 3});
  const std::array<uint64_t, 3> first{random.bits(), random.bits(), random.bits()};
  EXPECT_EQ(hash_name(""), 0xCBF29CE484222325u);
  EXPECT_EQ(hash_name("a"), 0xAF63DC4C8601EC8Cu);
  EXPECT_EQ(first, (std::array<uint64_t, 3>{0xE95446F8084CBFD4u, 0xE43A67C150C0D6E8u, 0x10CAFCEF0FFD53D3u}));
}

TEST(Random, KeysAndTheirOrderMatter) {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (uint64_t key = 0; key < 20; ++key) {
      first.insert(Random(seed, {key}).bits());
      first.insert(Random(seed, {key, 0}).bits());
      if (key > 0) first.insert(Random(seed, {0, key}).bits());
    }
  }
  EXPECT_EQ(first.size(), 20u * (20 + 20 + 19));
}

TEST(Random, ForkDoesNotAdvanceAndDiffersByKey) {
  Random random(5), same(5);
  Random by_name = random.fork("flip"), by_other = random.fork("rotate"), by_number = random.fork(1);
  EXPECT_EQ(random.bits(), same.bits());
  EXPECT_NE(by_name.bits(), by_other.bits());
  EXPECT_EQ(Random(5).fork(1).bits(), by_number.bits());
}

TEST(Random, UniformFillsItsIntervalEvenly) {
  Random random(9);
  std::array<int, 10> bins{};
  for (int i = 0; i < 100000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    ++bins[static_cast<size_t>(value * 10)];
  }
  for (const int count : bins) EXPECT_NEAR(count, 10000, 500);
}

TEST(Random, UniformNeverReachesItsUpperEnd) {
  Random random(2);
  const double high = std::nextafter(1.0, 2.0);
  for (int i = 0; i < 1000; ++i) ASSERT_LT(random.uniform(1.0, high), high);
}

TEST(Random, IntegersIncludeBothEndsAndAreUnbiased) {
  Random random(4);
  std::array<int, 7> bins{};
  for (int i = 0; i < 70000; ++i) ++bins[static_cast<size_t>(random.integer(-3, 3) + 3)];
  for (const int count : bins) EXPECT_NEAR(count, 10000, 500);
  EXPECT_EQ(random.integer(8, 8), 8);
  EXPECT_NO_THROW(random.integer(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()));
  EXPECT_THROW(random.integer(1, 0), Error);
}

TEST(Random, NormalHasTheAskedMeanAndDeviation) {
  Random random(6);
  double sum = 0, squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.normal(2, 3);
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 2, 0.05);
  EXPECT_NEAR(std::sqrt(squares / kDraws - mean * mean), 3, 0.05);
}

TEST(Random, ChanceOfZeroAndOneIsCertain) {
  Random random(8);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_FALSE(random.chance(0));
    ASSERT_TRUE(random.chance(1));
  }
}

}  // namespace
}  // namespace lamina
