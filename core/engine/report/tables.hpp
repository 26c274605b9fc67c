// The study's numbers as files for other programs.
#pragma once

#include "engine/report/comparison.hpp"

#include <string>

namespace lamina::engine {

/// results.csv: arm, seed, case, group, class, class_name, metric, value, flag: every score of every finished run, and
/// nothing that depends on the clock.
std::string results_csv(const StudyData& study);
/// NaN is null: JSON knows no other way.
void set_number(ConfigNode& node, const std::string& key, double value);
/// An arm's part of stats.json.
ConfigNode arm_node(const ArmSummary& arm, const StudySummary& study, double alpha);
/// stats.json: what the report's tables and maps show, unrounded.
std::string stats_json(const StudyData& study, const StudySummary& summary);

}  // namespace lamina::engine
