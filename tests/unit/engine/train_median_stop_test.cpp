// The median rule on curves made by hand.
#include "engine/train/median_stop.hpp"

#include "folder_test.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>

#include <gmock/gmock.h>

namespace lamina::engine::testing {
namespace {

using ::testing::HasSubstr;

class MedianStopTest : public lamina::testing::FolderTest {
 protected:
  MedianStopTest() {
    section.epochs = 10;
    section.stop = {"median", 0.3};
  }

  /// Validation scores by epoch from 1; a negative number is an epoch without validation.
  void add_curve(const std::vector<double>& scores, const std::string& column = "val_dice") {
    std::string rows = "epoch,loss," + column + "\n";
    for (size_t i = 0; i < scores.size(); ++i) {
      rows += text(i + 1, ",0.5,", scores[i] < 0 ? "" : text(scores[i]), "\n");
    }
    curves.push_back(folder / text("curve-", curves.size(), ".csv"));
    write_file(curves.back(), rows);
  }

  std::string reason(int64_t epoch, double best) const { return MedianStop(section, curves).reason(epoch, best); }

  TrainSection section;
  std::vector<std::filesystem::path> curves;
};

TEST_F(MedianStopTest, StopsWhatIsBehindTheMedianOfTheBestSoFar) {
  add_curve({0.1, 0.6, 0.2, 0.2, 0.2});  // best so far 0.6
  add_curve({0.3, 0.3, 0.4, 0.4, 0.4});
  add_curve({0.1, 0.1, 0.1, 0.1, 0.9});
  EXPECT_EQ(reason(4, 0.40), "");
  EXPECT_EQ(reason(4, 0.39), "after epoch 4 of 10: val_dice reached 0.39, the median of 3 runs with earlier seeds 0.4");
  EXPECT_THAT(reason(5, 0.59), HasSubstr("0.6"));
}

TEST_F(MedianStopTest, GivesEveryRunItsShareAndLeavesTheLastEpochAlone) {
  for (int i = 0; i < 3; ++i) add_curve(std::vector<double>(10, 0.5));
  EXPECT_EQ(reason(2, 0), "");
  EXPECT_NE(reason(3, 0), "");
  EXPECT_NE(reason(9, 0), "");
  EXPECT_EQ(reason(10, 0), "");
}

TEST_F(MedianStopTest, ComparesWithTheLastValidationUpToTheEpoch) {
  for (int i = 0; i < 3; ++i) add_curve({-1, 0.2, -1, 0.8, -1});
  EXPECT_EQ(reason(3, 0.3), "");
  EXPECT_NE(reason(5, 0.3), "");
}

TEST_F(MedianStopTest, AsksForThreeCurves) {
  for (int i = 0; i < 2; ++i) add_curve(std::vector<double>(10, 0.5));
  add_curve({-1, -1, -1, -1, -1});
  EXPECT_EQ(reason(5, 0), "");
  add_curve(std::vector<double>(10, 0.5));
  EXPECT_NE(reason(5, 0), "");
}

TEST_F(MedianStopTest, ALowerLossIsTheBetterOne) {
  section.checkpoint.metric = "loss";
  for (const double loss : {1.0, 2.0, 3.0}) add_curve(std::vector<double>(10, loss), "val_loss");
  EXPECT_EQ(reason(5, 1.9), "");
  EXPECT_EQ(reason(5, 2.0), "");
  EXPECT_NE(reason(5, 2.1), "");
}

TEST_F(MedianStopTest, DoesNothingUnlessAsked) {
  section.stop.rule = "none";
  for (int i = 0; i < 3; ++i) add_curve(std::vector<double>(10, 0.5));
  EXPECT_EQ(reason(5, 0), "");
}

}  // namespace
}  // namespace lamina::engine::testing
