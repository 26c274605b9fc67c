// The study's numbers as files for other programs.
#pragma once

#include "engine/report/comparison.hpp"

#include <string>

namespace lamina::engine {

/// results.csv: arm, seed, case, group, class, class_name, metric, value, flag: every score of every finished run, and
/// nothing that depends on the clock.
std::string results_csv(const StudyData& study);
/// stats.json: what the report's tables and maps show, unrounded.
std::string stats_json(const StudyData& study, const StudySummary& summary);

}  // namespace lamina::engine
