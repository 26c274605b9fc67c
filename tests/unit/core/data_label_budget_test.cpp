// Label budgets: which cases, patients or slices of the training part stay.
#include "expect_error.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/splits.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include <torch/utils.h>

namespace lamina {
namespace {

using ::testing::HasSubstr;

LabelBudget budget_of(double amount, const std::string& unit, int64_t seed = 1) {
  LabelBudget budget;
  budget.budget = amount;
  budget.budget_unit = unit;
  budget.budget_seed = seed;
  return budget;
}

std::vector<CaseName> patients(int count, int frames) {
  std::vector<CaseName> cases;
  for (int p = 0; p < count; ++p) {
    for (int i = 0; i < frames; ++i) cases.push_back({text("p", p, "_", i), text("p", p)});
  }
  return cases;
}

TEST(LabelBudget, CountsPatientsOrCases) {
  const auto all = patients(10, 2);
  for (const int64_t wanted : {1, 3, 5, 10}) {
    const auto kept = within_budget(budget_of(static_cast<double>(wanted), "patient"), all);
    EXPECT_EQ(std::ssize(kept), 2 * wanted);
    std::set<std::string> groups;
    for (const auto& id : kept) groups.insert(id.substr(0, 2));
    EXPECT_EQ(std::ssize(groups), wanted);
    EXPECT_EQ(std::ssize(within_budget(budget_of(static_cast<double>(wanted), "case"), all)), wanted);
  }
  EXPECT_EQ(within_budget(budget_of(0.1, "patient"), all).size(), 2);
  EXPECT_EQ(within_budget(budget_of(0.01, "case"), all).size(), 1);  // never nothing
  EXPECT_EQ(within_budget({}, all).size(), 20);
  EXPECT_EQ(within_budget(budget_of(0.1, "slice"), all).size(), 20);
}

// Budgets can be compared: three cases are the one case and two more.
TEST(LabelBudget, ContainsEverySmallerOneOfItsSeed) {
  const auto all = patients(10, 1);  // names in order, as std::includes wants them
  for (int64_t amount = 2; amount <= 10; ++amount) {
    const auto more = within_budget(budget_of(static_cast<double>(amount), "patient"), all);
    const auto less = within_budget(budget_of(static_cast<double>(amount - 1), "patient"), all);
    EXPECT_TRUE(std::includes(more.begin(), more.end(), less.begin(), less.end())) << amount;
  }
  std::set<std::vector<std::string>> draws;
  for (int64_t seed = 1; seed <= 8; ++seed) draws.insert(within_budget(budget_of(1, "patient", seed), all));
  EXPECT_GT(draws.size(), 3);
}

Case numbered_case(const std::string& id, int64_t depth) {
  Case one;
  one.id = one.group = id;
  const torch::Tensor z = torch::arange(depth).view({1, depth, 1, 1}).expand({1, depth, 2, 3});
  one.images = Streams<Volume>(Volume{z.to(torch::kFloat32), {}});
  one.labels = Streams<Volume>(Volume{z.clone(), {}});
  one.valid = {{0, 0, 0}, {depth, 2, 3}};
  return one;
}

TEST(LabelBudget, KeepsADrawOfSlicesInTheirOrder) {
  const Case tenth = within_budget(budget_of(0.1, "slice"), numbered_case("a", 40));
  const torch::Tensor chosen = tenth.labels.primary().voxels.select(3, 0).select(2, 0)[0];
  EXPECT_EQ(chosen.size(0), 4);
  EXPECT_TRUE(chosen.slice(0, 1).gt(chosen.slice(0, 0, -1)).all().item<bool>());
  EXPECT_TRUE(torch::equal(tenth.images.primary().voxels.to(torch::kInt64), tenth.labels.primary().voxels));
  EXPECT_EQ(tenth.valid.end, (Size3{4, 2, 3}));
  const Case other = within_budget(budget_of(0.1, "slice"), numbered_case("b", 40));
  EXPECT_FALSE(torch::equal(other.labels.primary().voxels, tenth.labels.primary().voxels));
  EXPECT_EQ(within_budget(budget_of(60, "slice"), numbered_case("a", 40)).images.primary().size()[0], 40);
  EXPECT_EQ(within_budget(budget_of(3, "case"), numbered_case("a", 40)).images.primary().size()[0], 40);
}

TEST(LabelBudget, TouchesTheTrainingPartOnly) {
  SplitOptions whole, small;
  small.labels = budget_of(2, "patient");
  const SplitPlan all = make_splits(whole, patients(10, 2), {}), few = make_splits(small, patients(10, 2), {});
  EXPECT_EQ(few.val, all.val);
  EXPECT_EQ(few.test, all.test);
  EXPECT_EQ(few.train.size(), 4);
  EXPECT_TRUE(std::includes(all.train.begin(), all.train.end(), few.train.begin(), few.train.end()));
  small.labels = budget_of(0.5, "slice");
  const SplitPlan halved = make_splits(small, patients(10, 2), {});
  EXPECT_EQ(halved.train, all.train);
  EXPECT_EQ(halved.as_budgeted(numbered_case(all.train[0], 8)).images.primary().size()[0], 4);
  EXPECT_EQ(halved.as_budgeted(numbered_case(all.test[0], 8)).images.primary().size()[0], 8);
}

TEST(LabelBudget, RefusesWhatCannotBe) {
  EXPECT_THAT(testing::message_of<ConfigError>([] { within_budget(budget_of(11, "patient"), patients(10, 2)); }),
              HasSubstr("a label budget of 11 patients is more than the 10 of the training part"));
  const auto problem = [](double amount) {
    OptionErrors errors;
    budget_of(amount, "case").check(errors, "split");
    return errors.empty() ? "" : errors.problems()[0];
  };
  EXPECT_THAT(problem(0), HasSubstr("nothing would be left"));
  EXPECT_THAT(problem(1.5), HasSubstr("expected a share below 1 or a whole number"));
  EXPECT_EQ(problem(0.5), "");
  EXPECT_EQ(problem(3), "");
}

}  // namespace
}  // namespace lamina
