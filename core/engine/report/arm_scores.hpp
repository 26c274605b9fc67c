// Scores of arms as the tables that the statistics take.
#pragma once

#include "engine/report/study_data.hpp"
#include "engine/statistics/verdict.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

using CaseValues = std::map<std::string, double>;

/// One class alone, or the mean over a case's classes.
using OneClass = std::optional<int64_t>;

/// Mean of what is defined; NaN where nothing is.
double defined_mean(const std::vector<double>& values);
/// Scores by seed; the folds of a seed are pooled, a case that several folds test is averaged.
std::map<int64_t, CaseValues> values_by_seed(const std::vector<const RunData*>& runs, const std::string& metric,
                                             OneClass class_id = {});
CaseValues mean_over_seeds(const std::vector<CaseValues>& seeds);
ArmScores scores_of(const ArmData& arm, const std::string& metric, OneClass class_id = {});
/// Units and seeds of the first, in its order, for all.
std::vector<ScoreTable> aligned(const std::vector<ArmScores>& scores, const std::string& unit);

}  // namespace lamina::engine
