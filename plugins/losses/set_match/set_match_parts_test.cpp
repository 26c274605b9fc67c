// The parts of the set prediction loss: the assignment against scipy, costs against formulas in numpy, boxes against
// torchvision, points against grid_sample.
#include "assignment.hpp"
#include "component_test.hpp"
#include "matching.hpp"

#include <lamina/nn/boxes.hpp>

namespace lamina::set_match {
namespace {

constexpr int64_t kSlices = 4, kQueries = 6, kClasses = 4;

const SafetensorsFile& golden() {
  static const SafetensorsFile file =
      read_safetensors(std::string(LAMINA_TEST_SOURCE_DIR) + "/tests/parity/set_match.safetensors");
  return file;
}

torch::Tensor stored(const std::string& name) { return golden().tensors.at(name); }

SliceTargets targets_of(std::optional<int64_t> ignore = std::nullopt) {
  return make_targets(stored(ignore ? "labels_with_ignore" : "labels"), kClasses, ignore, Background::Class);
}

Queries queries() {
  const std::vector<int64_t> lead{kSlices, kQueries};
  return {stored("scores").unflatten(0, lead), stored("masks").unflatten(0, lead),
          stored("aux_masks").unflatten(0, lead), stored("aux_boxes").unflatten(0, lead)};
}

double total(const torch::Tensor& table, const std::vector<int64_t>& rows) {
  double sum = 0;
  for (size_t column = 0; column < rows.size(); ++column) {
    if (rows[column] >= 0) sum += table[rows[column]][static_cast<int64_t>(column)].item<double>();
  }
  return sum;
}

std::vector<int64_t> solve(const torch::Tensor& table) {
  const torch::Tensor doubles = table.to(torch::kFloat64).contiguous();
  const auto* values = doubles.const_data_ptr<double>();
  return cheapest_rows({values, values + doubles.numel()}, table.size(0), table.size(1));
}

TEST(SetMatchAssignment, CostsAsMuchAsScipysOnSquareWideTallAndTiedTables) {
  const ConfigNode totals = ConfigNode::parse(golden().metadata.at("totals"));
  ASSERT_GE(totals.size(), 60U);
  for (size_t i = 0; i < totals.size(); ++i) {
    const torch::Tensor table = stored(text("table.", i));
    const auto rows = solve(table);
    std::set<int64_t> used;
    for (const int64_t row : rows) {
      if (row >= 0) used.insert(row);
    }
    const auto pairs = std::ranges::count_if(rows, [](int64_t row) { return row >= 0; });
    EXPECT_EQ(pairs, std::min(table.size(0), table.size(1))) << "table " << i;
    EXPECT_EQ(std::ssize(used), pairs) << "a row is used twice in table " << i;
    const double expected = totals.at(i).as_number();
    EXPECT_NEAR(total(table.to(torch::kFloat64), rows), expected, 1e-9 * std::max(1.0, std::abs(expected)))
        << "table " << i;
  }
}

TEST(SetMatchAssignment, AnswersForNothingAndForEqualCosts) {
  EXPECT_EQ(cheapest_rows({}, 3, 0), std::vector<int64_t>{});
  EXPECT_EQ(cheapest_rows({}, 0, 2), (std::vector<int64_t>{-1, -1}));
  const auto rows = solve(torch::zeros({3, 2}));
  EXPECT_NE(rows[0], rows[1]);
}

TEST(SetMatchTargets, HaveOneInstancePerClassAndSlice) {
  const SliceTargets targets = targets_of();
  const torch::Tensor present =
      torch::tensor({1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0}).view({4, 4}).to(torch::kBool);
  EXPECT_TRUE(at::equal(targets.present, present));
  EXPECT_LT(testing::largest_difference(targets.boxes, stored("target_boxes")), 1e-6);
}

TEST(SetMatchTargets, LeaveBackgroundAndIgnoredPixelsOut) {
  const torch::Tensor labels = torch::tensor({0, 1, 2, 9}).view({1, 1, 1, 2, 2}).to(torch::kInt64);
  const SliceTargets targets = make_targets(labels, 3, 9, Background::Ignore);
  EXPECT_EQ(targets.classes(), 2);
  EXPECT_TRUE(at::equal(targets.labels.to(torch::kInt64).flatten(),
                        torch::tensor({kNoClass, int64_t{0}, int64_t{1}, kNotCounted})));
  EXPECT_TRUE(targets.present.all().item<bool>());
}

TEST(SetMatchCosts, EqualTheFormulasInEveryPixel) {
  const torch::Tensor costs = matching_costs(queries(), targets_of(), {}, {});
  EXPECT_LT(testing::largest_difference(costs, stored("costs.dense")), 2e-6);
}

TEST(SetMatchCosts, EqualTheFormulasAtPoints) {
  const torch::Tensor points = stored("points");
  EXPECT_LT(testing::largest_difference(matching_costs(queries(), targets_of(), {}, points), stored("costs.points")),
            4e-6);
  const torch::Tensor ignoring = matching_costs(queries(), targets_of(4), {}, points);
  EXPECT_LT(testing::largest_difference(ignoring, stored("costs.points_ignore_label")), 4e-6);
}

TEST(SetMatchCosts, CountOverlapAsTorchvisionDoes) {
  const CostWeights only_overlap{0, 0, 0, 0, 0, 0, 1};
  EXPECT_LT(testing::largest_difference(matching_costs(queries(), targets_of(), only_overlap, {}), -stored("giou")),
            2e-6);
}

TEST(SetMatchCosts, DoNotDependOnHowManySlicesAreWorkedOnAtOnce) {
  // 160 x 160 pixels, 40 queries: about four slices at a time.
  const torch::Tensor labels = torch::randint(0, 3, {1, 1, 10, 160, 160}, torch::kInt64);
  const SliceTargets targets = make_targets(labels, 3, std::nullopt, Background::Class);
  const Queries all{testing::normal({10, 40, 4}, 1), testing::normal({10, 40, 160, 160}, 2), {}, {}};
  const torch::Tensor together = matching_costs(all, targets, {}, {});
  const SliceTargets last{targets.labels.narrow(0, 9, 1), targets.present.narrow(0, 9, 1),
                          targets.boxes.narrow(0, 9, 1)};
  const Queries alone{all.scores.narrow(0, 9, 1), all.masks.narrow(0, 9, 1), {}, {}};
  EXPECT_LT(testing::largest_difference(together.narrow(0, 9, 1), matching_costs(alone, last, {}, {})), 1e-5);
}

TEST(SetMatchCosts, TurnWhatIsNoNumberIntoAHundred) {
  Queries all = queries();
  all.masks = all.masks.clone();
  all.masks[1][2].fill_(std::nan(""));
  const torch::Tensor costs = matching_costs(all, targets_of(), {}, {});
  EXPECT_TRUE(costs[1][2].eq(100).all().item<bool>());
  EXPECT_EQ(costs.eq(100).sum().item<int64_t>(), kClasses);
}

TEST(SetMatchPoints, FindTheSameInLabelsAsInMasks) {
  const SliceTargets targets = targets_of(4);
  const torch::Tensor points = testing::normal({kSlices, 200, 2}, 3) * 0.4 + 0.5;  // some lie outside
  const LabelPoints found(targets.labels, torch::arange(kSlices), points);
  const torch::Tensor masks = class_masks(targets.labels.flatten(1), kClasses).view({kSlices, kClasses, 12, 10});
  EXPECT_LT(testing::largest_difference(found.shares(kClasses), sample_maps(masks, points)), 1e-5);
  const torch::Tensor ignored = targets.labels.eq(kNotCounted).to(torch::kFloat32).unsqueeze(1);
  EXPECT_LT(testing::largest_difference(1 - found.counted(), sample_maps(ignored, points).squeeze(1)), 1e-5);
  const torch::Tensor asked = torch::tensor({3, 1, 2, 0}).to(torch::kInt64);
  for (int64_t row = 0; row < kSlices; ++row) {
    const torch::Tensor expected = found.shares(kClasses)[row][asked[row].item<int64_t>()];
    EXPECT_EQ(testing::largest_difference(found.share_of(asked)[row], expected), 0);
  }
}

TEST(SetMatchPoints, AreTakenWhereTheMaskIsUncertain) {
  // The left half is certain (10), the right half is not (0.1).
  torch::Tensor maps = torch::full({1, 16, 16}, 10.0);
  maps.narrow(2, 8, 8).fill_(0.1);
  const SliceTargets targets =
      make_targets(torch::zeros({1, 1, 1, 16, 16}, torch::kInt64), 2, std::nullopt, Background::Class);
  const torch::Tensor slice = torch::zeros({1}, torch::kInt64);
  const auto generator = at::detail::createCPUGenerator(1);
  const torch::Tensor uncertain = uncertain_points(maps, slice, targets, {100, 3, 1}, generator);
  EXPECT_GE(uncertain.select(2, 0).ge(0.5).sum().item<int64_t>(), 97);
  const torch::Tensor uniform = uncertain_points(maps, slice, targets, {100, 3, 0}, generator);
  EXPECT_NEAR(uniform.select(2, 0).ge(0.5).sum().item<double>(), 50, 20);
}

TEST(SetMatchPairs, LeaveTheCostliestInstanceOutWhereQueriesAreFew) {
  const SliceTargets targets = make_targets(torch::tensor({0, 1, 2, 2}).view({1, 1, 1, 2, 2}).to(torch::kInt64), 3,
                                            std::nullopt, Background::Class);
  const torch::Tensor costs = torch::tensor({5.0, 1.0, 9.0, 1.0, 3.0, 9.0}).view({1, 2, 3});
  const Pairs pairs = match_hungarian(costs, targets);
  EXPECT_EQ(pairs.unmatched, 1);
  EXPECT_TRUE(at::equal(pairs.label, torch::tensor({0, 1}).to(torch::kInt64)));
  EXPECT_TRUE(at::equal(pairs.query, torch::tensor({1, 0}).to(torch::kInt64)));
}

}  // namespace
}  // namespace lamina::set_match
