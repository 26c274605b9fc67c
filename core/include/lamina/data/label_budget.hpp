// How much of the training part has labels: the question "what if only so many had been annotated?" as a setting.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/case.hpp>
#include <lamina/options/binder.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

/// Options of every dataset that has a training part; the other parts are never touched. A larger budget contains every
/// smaller one of the same seed.
struct LabelBudget {
  std::optional<double> budget;  ///< share below 1, number from 1; none: everything
  std::string budget_unit = "patient";
  int64_t budget_seed = 1;
  LAMINA_API void bind(OptionBinder& o);
  LAMINA_API void check(OptionErrors& errors, const std::string& where) const;

  bool by_slice() const { return budget && budget_unit == "slice"; }
};

/// The training cases that stay, in the order given. With the unit "slice" all do. ConfigError where the budget is more
/// than there is.
LAMINA_API std::vector<std::string> within_budget(const LabelBudget& budget, const std::vector<CaseName>& train);

/// A training case as the budget leaves it. With the unit "slice" a draw of its slices along z, in their order; the
/// rest, image and label, is cut away, so slices that are now neighbours need not have been. Otherwise the case itself.
LAMINA_API Case within_budget(const LabelBudget& budget, Case one);

}  // namespace lamina
