// Names of made-up cases, split by split.
#pragma once

#include <lamina/data/dataset.hpp>
#include <lamina/data/label_budget.hpp>
#include <lamina/options/binder.hpp>

#include <string>
#include <vector>

namespace lamina::phantom {

struct CaseCounts {
  int64_t train = 16, val = 4, test = 8;
  LabelBudget labels;  ///< of the training cases; its options stand beside the others
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
  /// "PREFIX_train_000", ...; of the training cases those within the budget.
  std::vector<std::string> ids(const std::string& prefix, Split split) const;
  /// A training case as the budget leaves it, any other as it is.
  Case as_budgeted(const std::string& prefix, Case one) const;
};

}  // namespace lamina::phantom
