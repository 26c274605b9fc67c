// What a label shows in each slice.
#include "expect_error.hpp"

#include <lamina/base/error.hpp>
#include <lamina/data/label_objects.hpp>

#include <gmock/gmock.h>

#include <ATen/ATen.h>

namespace lamina {
namespace {

using ::testing::HasSubstr;

/// Two cases of two slices of 6 x 8 pixels: class 2 in two parts and class 1 in slice 0, class 2 in slice 3.
torch::Tensor two_cases() {
  torch::Tensor labels = at::zeros({2, 1, 2, 6, 8}, at::kLong);
  labels[0][0][0].slice(0, 1, 3).slice(1, 1, 3).fill_(2);
  labels[0][0][0][5][7] = 2;
  labels[0][0][0][4][0] = 1;
  labels[1][0][1].slice(0, 0, 6).slice(1, 3, 5).fill_(2);
  return labels;
}

std::vector<std::vector<int64_t>> places(const std::vector<LabelObject>& objects) {
  std::vector<std::vector<int64_t>> result;
  for (const auto& [slice, class_id, r] : objects)
    result.push_back({slice, class_id, r.area, r.left, r.top, r.right, r.bottom});
  return result;
}

using Places = std::vector<std::vector<int64_t>>;

TEST(LabelObjects, AreClassesBySlice) {
  EXPECT_EQ(places(label_objects(two_cases(), {}, {{1, 2}, false, 1})),
            (Places{{0, 1, 1, 0, 4, 0, 4}, {0, 2, 5, 1, 1, 7, 5}, {3, 2, 12, 3, 0, 4, 5}}));
  EXPECT_EQ(places(label_objects(two_cases(), {}, {{1}, false, 1})), (Places{{0, 1, 1, 0, 4, 0, 4}}));
  EXPECT_TRUE(label_objects(at::zeros({1, 1, 3, 4, 4}, at::kLong), {}, {{1, 2}, true, 1}).empty());
}

TEST(LabelObjects, AreComponentsWhereThereAreNoInstances) {
  EXPECT_EQ(places(label_objects(two_cases(), {}, {{2}, true, 1})),
            (Places{{0, 2, 4, 1, 1, 2, 2}, {0, 2, 1, 7, 5, 7, 5}, {3, 2, 12, 3, 0, 4, 5}}));
  EXPECT_EQ(places(label_objects(two_cases(), {}, {{2}, true, 2})),
            (Places{{0, 2, 4, 1, 1, 2, 2}, {3, 2, 12, 3, 0, 4, 5}}));
}

// Instances that touch stay apart, parts of one stay together, and the class says which pixels of an instance count.
TEST(LabelObjects, AreInstancesWhereTheyAreKnown) {
  torch::Tensor instances = two_cases().clamp_max(1) * 9;
  instances[1][0][1].slice(0, 3, 6).fill_(4);
  EXPECT_EQ(places(label_objects(two_cases(), instances, {{2}, true, 1})),
            (Places{{0, 2, 5, 1, 1, 7, 5}, {3, 2, 6, 3, 3, 4, 5}, {3, 2, 6, 3, 0, 4, 2}}));
}

TEST(LabelObjects, TakeClassesOfTheDataset) {
  EXPECT_EQ(foreground_classes({}, 4, "here"), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(foreground_classes({3, 1, 3}, 4, "here"), (std::vector<int64_t>{1, 3}));
  EXPECT_TRUE(foreground_classes({}, 1, "here").empty());
  EXPECT_EQ(testing::message_of<ConfigError>([] { foreground_classes({4}, 4, "model.prompter.classes"); }),
            "model.prompter.classes: got 4, expected class numbers from 1 to 3");
}

TEST(LabelObjects, NeedLabels) {
  Batch batch;
  batch.ids = {"case_7"};
  EXPECT_THAT(testing::message_of<DataError>([&] { labels_for("label_box", batch, kPrimaryStream); }),
              HasSubstr("'label_box' makes its prompts from the label, but there is none (case_7)"));
}

}  // namespace
}  // namespace lamina
