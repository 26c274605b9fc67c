// Draws the cases or slices that count as labelled.
#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/label_budget.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <torch/utils.h>

namespace lamina {
namespace {

// 0 .. count - 1 in an order that depends on seed and purpose alone: a budget takes the first of them.
std::vector<int64_t> drawn_order(int64_t count, int64_t seed, std::string_view purpose) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  Random random(static_cast<uint64_t>(seed), {hash_name("budget"), hash_name(purpose)});
  for (size_t i = order.size(); i-- > 1;)
    std::swap(order[i], order[static_cast<size_t>(random.integer(0, static_cast<int64_t>(i)))]);
  return order;
}

int64_t amount_of(double budget, int64_t available) {
  if (budget >= 1) return std::llround(budget);
  return std::max<int64_t>(1, std::llround(budget * static_cast<double>(available)));
}

Volume with_slices(const Volume& volume, const torch::Tensor& chosen) {
  return {volume.voxels.index_select(1, chosen), volume.geometry};
}

}  // namespace

void LabelBudget::bind(OptionBinder& o) {
  o.field("budget", budget,
          "How much of the training part is used: a share below 1, or a number; all by default. The others are as if "
          "they had no labels",
          AtLeast{0});
  o.field("budget_unit", budget_unit,
          "What is counted: patients, cases, or slices of each case; slices of other numbers are cut away, for "
          "networks that see one slice at a time",
          OneOf{"patient", "case", "slice"});
  o.field("budget_seed", budget_seed, "Of the draw; a larger budget contains every smaller one of its seed",
          AtLeast{0});
}

void LabelBudget::check(OptionErrors& errors, const std::string& where) const {
  if (!budget || (*budget > 0 && *budget < 1) || *budget == std::floor(*budget)) {
    if (budget && *budget == 0) errors.add(where + ".budget", "is 0: nothing would be left to train on");
    return;
  }
  errors.add(where + ".budget", text("got ", *budget, ", expected a share below 1 or a whole number"));
}

std::vector<std::string> within_budget(const LabelBudget& budget, const std::vector<CaseName>& train) {
  std::vector<std::string> all;
  for (const auto& one : train) all.push_back(one.id);
  if (!budget.budget || budget.by_slice()) return all;
  const bool patients = budget.budget_unit == "patient";
  std::set<std::string> names;
  for (const auto& one : train) names.insert(patients ? one.group : one.id);
  const auto available = std::ssize(names);
  const int64_t wanted = amount_of(*budget.budget, available);
  if (wanted > available) {
    throw ConfigError(text("a label budget of ", wanted, " ", budget.budget_unit, wanted == 1 ? "" : "s",
                           " is more than the ", available, " of the training part"));
  }
  const std::vector<std::string> sorted(names.begin(), names.end());
  const auto order = drawn_order(available, budget.budget_seed, budget.budget_unit);
  std::set<std::string> kept;
  for (int64_t i = 0; i < wanted; ++i) kept.insert(sorted[static_cast<size_t>(order[static_cast<size_t>(i)])]);
  std::vector<std::string> result;
  for (const auto& one : train) {
    if (kept.contains(patients ? one.group : one.id)) result.push_back(one.id);
  }
  return result;
}

Case within_budget(const LabelBudget& budget, Case one) {
  if (!budget.by_slice()) return one;
  const int64_t depth = one.images.primary().voxels.size(1);
  std::vector<int64_t> chosen = drawn_order(depth, budget.budget_seed, one.id);
  chosen.resize(static_cast<size_t>(std::min(amount_of(*budget.budget, depth), depth)));
  std::sort(chosen.begin(), chosen.end());
  const torch::Tensor index = torch::tensor(chosen);
  for (Streams<Volume>* streams : {&one.images, &one.labels, &one.instances}) {
    for (auto& [name, volume] : *streams) volume = with_slices(volume, index);
  }
  // What is padding is not known slice by slice; a whole case has none.
  one.valid = {{0, 0, 0}, one.images.primary().size()};
  return one;
}

}  // namespace lamina
