// Surface metrics against MedPy, MONAI and surface-distance (tests/parity/make_metrics.py), and what they do at the
// edges.
#include "surface.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/options/config_node.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>

#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina {
namespace {

using Spacing = std::array<double, 3>;

/// Two masks on one grid, scored as class 1 of 2.
struct Pair {
  Pair(torch::Tensor predicted, torch::Tensor truth, const Spacing& spacing) {
    Geometry geometry;
    geometry.spacing = spacing;
    prediction = {predicted.to(torch::kInt64).unsqueeze(0), geometry};
    reference.id = "case";
    reference.labels = Streams<Volume>({truth.to(torch::kInt64).unsqueeze(0), geometry});
  }
  Volume prediction;
  Case reference;
  Scratch scratch;
};

double score(const Metric& metric, Pair& pair) {
  const auto scores = metric.measure(pair.prediction, pair.reference, pair.scratch);
  EXPECT_EQ(scores.size(), 1u);
  return scores.at(0).value;
}

/// The surface columns of metrics.json.
std::map<std::string, double> all_values(Pair& pair, double tolerance) {
  const MetricContext context;
  std::map<std::string, double> values{{"hd", score(Hausdorff({}, context), pair)},
                                       {"assd", score(AverageSurfaceDistance({}, context), pair)},
                                       {"masd", score(MeanAverageSurfaceDistance({}, context), pair)},
                                       {"nsd", score(SurfaceDice({tolerance, {}, "counts"}, context), pair)},
                                       {"nsd_areas", score(SurfaceDice({tolerance, {}, "areas"}, context), pair)}};
  values["hd95"] = score(Hausdorff95({"max_of_percentiles"}, context), pair);
  values["hd95_pooled"] = score(Hausdorff95({"pooled"}, context), pair);
  values["hd95_area_weighted"] = score(Hausdorff95({"area_weighted"}, context), pair);
  return values;
}

ConfigNode goldens() {
  const auto file = std::filesystem::path(LAMINA_TEST_SOURCE_DIR) / "tests/parity/metrics.json";
  return ConfigNode::parse(read_file(file), file.string());
}

void expect_golden(const ConfigNode& columns, const ConfigNode& row, Pair& pair, double tolerance, double allowed) {
  auto ours = all_values(pair, tolerance);
  size_t compared = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto column = columns.at(i).as_text();
    if (!ours.count(column)) continue;
    const double expected = row.at("values").at(i).as_number();
    EXPECT_NEAR(ours[column], expected, allowed * std::max(0.1, std::abs(expected))) << column << " of " << row.dump();
    ++compared;
  }
  EXPECT_EQ(compared, ours.size());
}

using Mask = torch::Tensor;  // bool [D, H, W]

Mask boxes(const ConfigNode& list, const ConfigNode& size) {
  auto mask = torch::zeros({size.at(0).as_integer(), size.at(1).as_integer(), size.at(2).as_integer()}, torch::kBool);
  for (size_t b = 0; b < list.size(); ++b) {
    auto part = mask;
    for (size_t axis = 0; axis < 3; ++axis) {
      const auto range = list.at(b).at(axis);
      part = part.slice(static_cast<int64_t>(axis), range.at(0).as_integer(), range.at(1).as_integer());
    }
    part.fill_(true);
  }
  return mask;
}

/// The generator of make_metrics.py.
struct Generator {
  uint64_t state;
  int64_t below(int64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(n));
  }
  std::array<int64_t, 3> voxel(const Mask& mask) {
    std::array<int64_t, 3> at{};
    for (int64_t axis = 0; axis < 3; ++axis) at[static_cast<size_t>(axis)] = below(mask.size(axis));
    return at;
  }
};

std::array<int64_t, 3> add_blob(Mask& mask, Generator& random) {
  const auto centre = random.voxel(mask);
  std::array<int64_t, 3> weights{};
  for (auto& weight : weights) weight = 1 + random.below(4);
  const int64_t radius = 4 + random.below(60);
  auto distance = torch::zeros_like(mask, torch::kInt64);
  for (int64_t axis = 0; axis < 3; ++axis) {
    std::vector<int64_t> shape{1, 1, 1};
    shape[static_cast<size_t>(axis)] = -1;
    const auto away = torch::arange(mask.size(axis)).sub(centre[static_cast<size_t>(axis)]).view(shape);
    distance = distance + weights[static_cast<size_t>(axis)] * away * away;
  }
  mask |= distance <= radius;
  return centre;
}

/// mask_pair() of make_metrics.py.
Pair random_pair(int64_t seed) {
  Generator random{static_cast<uint64_t>(seed)};
  const int64_t depth = seed % 5 == 0 ? 1 : 4 + random.below(9);
  const int64_t height = 6 + random.below(14), width = 6 + random.below(14);
  Spacing spacing{};
  for (auto& step : spacing) step = static_cast<double>(8 + random.below(40)) / 16;
  std::array<Mask, 2> masks;
  for (size_t i = 0; i < 2; ++i) {
    const bool copies = i == 1 && seed % 2 == 1;
    Mask mask = copies ? masks[0].clone() : torch::zeros({depth, height, width}, torch::kBool);
    std::array<int64_t, 3> centre{};
    const int64_t blobs = 1 + random.below(3);
    for (int64_t b = 0; b < blobs; ++b) centre = add_blob(mask, random);
    for (int toggles = 0; toggles < 4; ++toggles) {
      const auto [z, y, x] = random.voxel(mask);
      mask.index_put_({z, y, x}, ~mask.index({z, y, x}));
    }
    mask.index_put_({centre[0], centre[1], centre[2]}, true);
    masks[i] = mask;
  }
  return Pair(masks[1], masks[0], spacing);
}

Mask ball(const Size3& size, const std::array<double, 3>& centre, double radius) {
  auto squared = torch::zeros({size[0], size[1], size[2]});
  for (int64_t axis = 0; axis < 3; ++axis) {
    std::vector<int64_t> shape{1, 1, 1};
    shape[static_cast<size_t>(axis)] = -1;
    squared = squared +
              (torch::arange(size[static_cast<size_t>(axis)]) - centre[static_cast<size_t>(axis)]).square().view(shape);
  }
  return squared <= radius * radius;
}

TEST(SurfaceMetrics, EqualNamedGoldens) {
  const auto file = goldens();
  const auto named = file.at("named");
  ASSERT_EQ(named.size(), 9u);
  for (size_t i = 0; i < named.size(); ++i) {
    const auto row = named.at(i);
    const auto spacing = row.at("spacing");
    Pair pair(boxes(row.at("prediction"), row.at("size")), boxes(row.at("reference"), row.at("size")),
              {spacing.at(0).as_number(), spacing.at(1).as_number(), spacing.at(2).as_number()});
    expect_golden(file.at("columns"), row, pair, row.at("tolerance").as_number(), 1e-6);
  }
}

TEST(SurfaceMetrics, EqualMedPyMonaiAndSurfaceDistanceOnRandomMasks) {
  const auto file = goldens();
  const auto random = file.at("random");
  ASSERT_EQ(random.size(), 200u);
  for (size_t i = 0; i < random.size(); ++i) {
    Pair pair = random_pair(random.at(i).at("seed").as_integer());
    expect_golden(file.at("columns"), random.at(i), pair, file.at("tolerance").as_number(), 1e-6);
  }
}

TEST(SurfaceMetrics, TellTheConventionsOfHd95Apart) {
  const auto row = goldens().at("named").at(6);  // T7
  Pair pair(boxes(row.at("prediction"), row.at("size")), boxes(row.at("reference"), row.at("size")), {1, 1, 1});
  EXPECT_NEAR(score(Hausdorff95({"pooled"}, {}), pair), 0, 1e-9);
  EXPECT_NEAR(score(Hausdorff95({"max_of_percentiles"}, {}), pair), 8.062258, 1e-5);
  EXPECT_NEAR(score(Hausdorff95({"area_weighted"}, {}), pair), 8.246211, 1e-5);
}

TEST(SurfaceMetrics, DoNotChangeWhenAxesAndSpacingAreExchangedTogether) {
  const auto predicted = ball({14, 16, 18}, {6, 7, 9}, 5), truth = ball({14, 16, 18}, {7, 9, 8}, 4);
  const Spacing spacing{2.5, 0.75, 1.25};
  Pair plain(predicted, truth, spacing);
  const auto expected = all_values(plain, 1.1);
  std::array<int64_t, 3> order{0, 1, 2};
  do {
    Spacing turned{};
    for (size_t axis = 0; axis < 3; ++axis) turned[axis] = spacing[static_cast<size_t>(order[axis])];
    Pair pair(predicted.permute({order[0], order[1], order[2]}), truth.permute({order[0], order[1], order[2]}), turned);
    for (const auto& [name, value] : all_values(pair, 1.1)) EXPECT_NEAR(value, expected.at(name), 1e-9) << name;
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(SurfaceMetrics, ScaleWithTheSpacing) {
  const auto predicted = ball({12, 12, 12}, {5, 6, 6}, 4), truth = ball({12, 12, 12}, {6, 6, 7}, 4);
  Pair one(predicted, truth, {2, 1, 1}), two(predicted, truth, {4, 2, 2});
  const auto small = all_values(one, 1), large = all_values(two, 2);
  for (const auto& [name, value] : small) {
    const double factor = name.starts_with("nsd") ? 1 : 2;
    EXPECT_NEAR(large.at(name), factor * value, 1e-9) << name;
  }
}

TEST(SurfaceMetrics, AreSymmetricInPredictionAndReference) {
  const auto one = ball({12, 13, 14}, {5, 6, 6}, 4), other = ball({12, 13, 14}, {6, 7, 7}, 5);
  Pair there(one, other, {2, 1, 1}), back(other, one, {2, 1, 1});
  const auto forth = all_values(there, 1);
  for (const auto& [name, value] : all_values(back, 1)) EXPECT_NEAR(value, forth.at(name), 1e-12) << name;
}

TEST(SurfaceMetrics, AreUndefinedWhereAMaskIsEmptyExceptSurfaceDiceOfOne) {
  const auto full = ball({6, 6, 6}, {3, 3, 3}, 2), empty = torch::zeros({6, 6, 6}, torch::kBool);
  Pair both(empty, empty, {1, 1, 1}), missed(empty, full, {1, 1, 1}), invented(full, empty, {1, 1, 1});
  for (const auto& [name, value] : all_values(both, 1)) EXPECT_TRUE(std::isnan(value)) << name;
  for (Pair* pair : {&missed, &invented}) {
    for (const auto& [name, value] : all_values(*pair, 1)) {
      if (name.starts_with("nsd")) {
        EXPECT_EQ(value, 0) << name;
      } else {
        EXPECT_TRUE(std::isnan(value)) << name;
      }
    }
  }
}

TEST(SurfaceMetrics, LeaveIgnoredVoxelsOut) {
  const auto truth = ball({10, 12, 12}, {5, 5, 5}, 3), predicted = truth.clone();
  const auto stray = predicted.slice(1, 10, 12);
  stray.fill_(true);
  Pair counted(predicted, truth, {1, 1, 1}), ignored(predicted, truth, {1, 1, 1});
  EXPECT_GT(score(Hausdorff({}, {}), counted), 1);
  ignored.reference.labels.primary().voxels.slice(2, 10, 12).fill_(9);
  ignored.reference.ignore = 9;
  EXPECT_EQ(score(Hausdorff({}, {}), ignored), 0);
}

TEST(SurfaceMetrics, ReadAnyIntegerType) {
  const auto truth = ball({8, 9, 10}, {4, 4, 4}, 3), predicted = ball({8, 9, 10}, {4, 5, 5}, 3);
  Pair plain(predicted, truth, {1, 1, 2});
  const double expected = score(Hausdorff({}, {}), plain);
  for (const auto type : {torch::kUInt8, torch::kInt16, torch::kInt32}) {
    Pair mixed(predicted, truth, {1, 1, 2});
    mixed.prediction.voxels = mixed.prediction.voxels.to(type);
    EXPECT_EQ(score(Hausdorff({}, {}), mixed), expected);
    Pair equal(predicted, truth, {1, 1, 2});
    equal.prediction.voxels = equal.prediction.voxels.to(type);
    equal.reference.labels.primary().voxels = equal.reference.labels.primary().voxels.to(type);
    EXPECT_EQ(score(Hausdorff({}, {}), equal), expected);
  }
}

TEST(SurfaceMetrics, ComputeDistancesOncePerCaseAndClass) {
  Pair pair(ball({8, 8, 8}, {4, 4, 4}, 3), ball({8, 8, 8}, {4, 4, 3}, 3), {1, 1, 1});
  const auto region = class_regions(pair.prediction, pair.reference, 2, pair.scratch).at(0);
  const auto& first =
      surface::surface_distances(pair.prediction, pair.reference, region, surface::Border::Voxels, pair.scratch);
  const auto& second =
      surface::surface_distances(pair.prediction, pair.reference, region, surface::Border::Voxels, pair.scratch);
  EXPECT_EQ(&first, &second);
}

TEST(SurfaceDice, TakesOneTolerancePerClass) {
  auto truth = torch::zeros({1, 4, 40}, torch::kInt64), predicted = truth.clone();
  truth.slice(2, 2, 8).fill_(1), truth.slice(2, 20, 26).fill_(2);
  predicted.slice(2, 4, 10).fill_(1), predicted.slice(2, 22, 28).fill_(2);
  Pair pair(predicted, truth, {1, 1, 1});
  const auto scores = SurfaceDice({1, {2, 1}, "counts"}, {3}).measure(pair.prediction, pair.reference, pair.scratch);
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[0].value, 1);
  EXPECT_LT(scores[1].value, 1);
  EXPECT_THROW(SurfaceDice({1, {2, 1}, "counts"}, {4}), ConfigError);
}

}  // namespace
}  // namespace lamina
