// Classes and cases of an arm beside those of its reference.
#pragma once

#include "engine/report/comparison.hpp"

#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

/// Fills ArmSummary::classes of every arm that has results. `unit`: as in CompareRules.
void summarise_classes(const std::string& unit, StudySummary& summary);

struct CaseChange {
  std::string id;
  double before = 0, after = 0;
  double gain = 0;  // above zero where `after` is better
};
/// The cases that have both values, from the largest loss to the largest gain.
std::vector<CaseChange> changes_between(const std::map<std::string, double>& before,
                                        const std::map<std::string, double>& after, bool higher_is_better);
/// From the arm's reference to the arm in the primary metric, averaged over seeds; none for the baseline.
std::vector<CaseChange> case_changes(const StudySummary& study, size_t arm);

}  // namespace lamina::engine
