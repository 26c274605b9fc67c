// Texts: splitting, joining, "did you mean", human numbers.
#include <lamina/base/text.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamina {
namespace {

using testing::ElementsAre;

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, JoinPutsTheSeparatorBetween) {
  EXPECT_EQ(join(std::vector<int>{1, 2, 3}, "-"), "1-2-3");
  EXPECT_EQ(join(std::vector<int>{}), "");
}

TEST(Text, JoinsTheFirstAndCountsTheRest) {
  EXPECT_EQ(join_first({"a", "b", "c"}, 3), "a, b, c");
  EXPECT_EQ(join_first({"a", "b", "c"}, 2), "a, b and 1 more");
  EXPECT_EQ(join_first({}, 2), "");
}

TEST(Text, ClosestForgivesSwappedAndMissingLetters) {
  const std::vector<std::string> names{"kernel", "ratio", "placement"};
  EXPECT_EQ(closest("kernal", names), "kernel");
  EXPECT_EQ(closest("ratoi", names), "ratio");
  EXPECT_EQ(closest("placment", names), "placement");
}

TEST(Text, ClosestIsSilentWhenNothingIsNear) {
  EXPECT_EQ(closest("zebra", {"kernel", "ratio"}), "");
  EXPECT_EQ(closest("p", {"q"}), "") << "one letter replaced by another leaves nothing of the word";
  EXPECT_EQ(closest("x", {}), "");
}

TEST(Text, ClosestTakesTheNearestOfSeveral) { EXPECT_EQ(closest("dise", {"disco", "dice", "dose_rate"}), "dice"); }

TEST(Text, DidYouMeanIsReadyToAppend) {
  EXPECT_EQ(did_you_mean("kernal", {"kernel"}), " (did you mean 'kernel'?)");
  EXPECT_EQ(did_you_mean("zebra", {"kernel"}), "");
}

TEST(Text, BytesAreReadable) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(int64_t{3} << 40), "3.0 TiB");
}

TEST(Text, SecondsAreReadable) {
  EXPECT_EQ(human_seconds(1.25), "1.2 s");
  EXPECT_EQ(human_seconds(12.3), "12 s");
  EXPECT_EQ(human_seconds(75), "1 min 15 s");
  EXPECT_EQ(human_seconds(3725), "1 h 02 min");
  EXPECT_EQ(human_seconds(200000), "2 d 7 h");
}

}  // namespace
}  // namespace lamina
