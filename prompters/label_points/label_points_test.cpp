// Points on what labels show.
#include "label_points.hpp"

#include "label_prompts.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;
using testing::integers_of;
using testing::labelled;
using testing::prompted_model;
using testing::prompts_for;
using testing::rows_of;
using Rows = std::vector<std::vector<double>>;

std::string points_with(const std::string& options) { return R"({"type": "label_points")" + options + "}"; }

// Two cases of two slices of 24 x 32 pixels. Slice 0: class 1 as 5 x 9 pixels, class 3 as one pixel in the corner.
// Slice 1 is empty. Slice 2: class 2 along the lower border. Slice 3: class 1 as two pixels.
torch::Tensor shown() {
  torch::Tensor labels = torch::zeros({2, 1, 2, 24, 32}, torch::kInt64);
  labels[0][0][0].slice(0, 4, 9).slice(1, 10, 19).fill_(1);
  labels[0][0][0][0][0] = 3;
  labels[1][0][0].slice(0, 21, 24).fill_(2);
  labels[1][0][1][12].slice(0, 6, 8).fill_(1);
  return labels;
}

// Label of the slice and class of a prompt at each of its points; -1 where there is none.
std::vector<std::vector<double>> hits(const Prompts& prompts, const torch::Tensor& labels) {
  const torch::Tensor slices = labels.squeeze(1).flatten(0, 1);
  Rows result;
  for (int64_t row = 0; row < prompts.points.size(0); ++row) {
    const torch::Tensor own = slices[prompts.image_index[row].item<int64_t>()].eq(prompts.class_id[row]);
    std::vector<double> one;
    for (int64_t i = 0; i < prompts.points.size(1); ++i) {
      const torch::Tensor at = prompts.points[row][i].to(torch::kInt64);
      const bool there = prompts.point_labels[row][i].item<int64_t>() >= 0;
      one.push_back(there ? own[at[1].item<int64_t>()][at[0].item<int64_t>()].item<double>() : -1);
    }
    result.push_back(one);
  }
  return result;
}

TEST(LabelPoints, IsMadeByNameAndSaysThatItUsesTheTruth) {
  const auto make = [](const std::string& options) {
    return testing::registry().create<Prompter>(testing::json(points_with(options)), "model.prompter", {});
  };
  EXPECT_EQ(make("")->produces().kinds, PromptKinds{PromptKind::Points});
  EXPECT_EQ(make("")->produces().queries, 0);
  EXPECT_EQ(make("")->uses_labels(), LabelUse::Oracle);
  EXPECT_EQ(make(R"(, "rounds": 1)")->produces().kinds, (PromptKinds{PromptKind::Points, PromptKind::Masks}));
  EXPECT_EQ(make(R"(, "rounds": 1, "feed_logits": false)")->produces().kinds, PromptKinds{PromptKind::Points});
}

TEST(LabelPoints, LieAtTheInnermostPixelOfEachClass) {
  const Prompts prompts = prompts_for(points_with(""), shown());
  EXPECT_EQ(rows_of(prompts.points), (Rows{{14, 6}, {0, 0}, {15, 22}, {6, 12}}));
  EXPECT_EQ(integers_of(prompts.point_labels), (std::vector<int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(integers_of(prompts.image_index), (std::vector<int64_t>{0, 0, 2, 3}));
  EXPECT_EQ(integers_of(prompts.class_id), (std::vector<int64_t>{1, 3, 2, 1}));
  const testing::Draw train{Mode::Train, 3};
  EXPECT_TRUE(torch::equal(prompts_for(points_with(R"(, "where": "centre")"), shown(), train).points, prompts.points));
}

TEST(LabelPoints, KeepApartAndFillUpWhereThereAreTooFewPixels) {
  const Prompts prompts = prompts_for(points_with(R"(, "positive": 3)"), shown());
  EXPECT_EQ(rows_of(prompts.point_labels), (Rows{{1, 1, 1}, {1, -1, -1}, {1, 1, 1}, {1, 1, -1}}));
  EXPECT_EQ(hits(prompts, shown()), (Rows{{1, 1, 1}, {1, -1, -1}, {1, 1, 1}, {1, 1, -1}}));
  // In 5 x 9 pixels around (14, 6): the middles of what the first point leaves.
  EXPECT_EQ(rows_of(prompts.points)[0], (std::vector<double>{14, 6, 12, 6, 16, 6}));
}

TEST(LabelPoints, LieBesideTheClassWhenTheyAreNegative) {
  const Prompts prompts = prompts_for(points_with(R"(, "positive": 1, "negative": 2)"), shown());
  EXPECT_EQ(rows_of(prompts.point_labels), (Rows{{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}}));
  EXPECT_EQ(hits(prompts, shown()), (Rows{{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}}));
  // The box of the pixel in the corner, grown by two pixels.
  EXPECT_LE(prompts.points[1].max().item<double>(), 2);
}

TEST(LabelPoints, AreDrawnWhileTraining) {
  const torch::Tensor labels = shown();
  const auto model = prompted_model(points_with(R"(, "positive": 2, "negative": 1)"), labels);
  const auto draw = [&](const testing::Draw& how, int64_t sample = 0) {
    return prompts_for(*model, labelled(labels, sample), how);
  };
  const torch::Tensor first = draw({Mode::Train, 5, 2}).points;
  EXPECT_TRUE(torch::equal(draw({Mode::Train, 5, 2}).points, first));
  EXPECT_FALSE(torch::equal(draw({Mode::Train, 6, 2}).points, first));
  EXPECT_FALSE(torch::equal(draw({Mode::Train, 5, 3}).points, first));
  EXPECT_FALSE(torch::equal(draw({Mode::Train, 5, 2}, 7).points, first));
  torch::Tensor seen = torch::zeros({24, 32}, torch::kBool);
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Prompts prompts = draw({Mode::Train, seed});
    EXPECT_EQ(hits(prompts, labels), (Rows{{1, 1, 0}, {1, -1, 0}, {1, 1, 0}, {1, 1, 0}}));
    EXPECT_FALSE(torch::equal(prompts.points[0][0], prompts.points[0][1]));
    for (int64_t i = 0; i < 2; ++i) {
      const torch::Tensor at = prompts.points[0][i].to(torch::kInt64);
      seen[at[1].item<int64_t>()][at[0].item<int64_t>()] = true;
    }
  }
  EXPECT_GT(seen.sum().item<int64_t>(), 35);  // of 45 pixels, all of which may be drawn
}

// The second case is sample 1 wherever it stands in a batch, whatever stands beside it.
TEST(LabelPoints, DependOnTheirSampleAlone) {
  const auto model = prompted_model(points_with(""), shown());
  const testing::Draw how{Mode::Train, 5, 2};
  const torch::Tensor both = prompts_for(*model, labelled(shown()), how).points;
  EXPECT_TRUE(torch::equal(prompts_for(*model, labelled(shown().slice(0, 1, 2), 1), how).points, both.slice(0, 2, 4)));
}

TEST(LabelPoints, TakeTheClassesThatAreAskedForAndLargeEnough) {
  EXPECT_EQ(integers_of(prompts_for(points_with(R"(, "classes": [3, 2])"), shown()).class_id),
            (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(integers_of(prompts_for(points_with(R"(, "min_area": 3)"), shown()).class_id),
            (std::vector<int64_t>{1, 2}));
}

TEST(LabelPoints, NeverLieOnIgnoredPixels) {
  torch::Tensor labels = torch::full({1, 1, 1, 24, 32}, 9, torch::kInt64);
  labels[0][0][0].slice(0, 4, 9).slice(1, 10, 19).fill_(1);
  labels[0][0][0][6][20] = 0;  // the only pixel of the background
  Batch batch = labelled(labels);
  batch.ignore = 9;
  const auto model = prompted_model(points_with(R"(, "negative": 2)"), labels);
  const Prompts prompts = prompts_for(*model, batch);
  EXPECT_EQ(rows_of(prompts.points), (Rows{{14, 6, 20, 6, 0, 0}}));
  EXPECT_EQ(rows_of(prompts.point_labels), (Rows{{1, 0, -1}}));
}

TEST(LabelPoints, RefuseWhatCannotWork) {
  const auto refusal = [](const std::string& options) {
    return testing::message_of([&] { prompted_model(points_with(options), shown()); });
  };
  EXPECT_THAT(refusal(R"(, "classes": [4])"), HasSubstr("got 4, expected class numbers from 1 to 3"));
  EXPECT_THAT(refusal(R"(, "positive": 0)"), HasSubstr("positive"));
  EXPECT_THAT(refusal(R"(, "where": "edge")"), HasSubstr("where"));
  Batch batch = labelled(shown());
  batch.labels = {};
  EXPECT_THAT(testing::message_of([&] { prompts_for(*prompted_model(points_with(""), shown()), batch); }),
              HasSubstr("'label_points' makes its prompts from the label, but there is none"));
}

}  // namespace
}  // namespace lamina
