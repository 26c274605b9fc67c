// The report's figures, as inline SVG; "" where there is nothing to draw.
#pragma once

#include "engine/report/comparison.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

/// One row an arm: mean paired difference to the baseline, its interval, one small dot a seed; the margin that does not
/// matter is shaded.
std::string forest_plot(const StudySummary& study, const CompareSection& compare);
/// One row an arm: every case a dot, the median a bar.
std::string strip_plot(const StudySummary& study);
/// A column of curves.csv over epochs: seeds thin, their mean thick.
std::string curve_plot(const StudyData& study, const std::string& column, const std::string& title);

/// Arms x classes: the mean paired difference in the primary metric, printed in its cell; the last column is over all
/// classes.
std::string class_heat_map(const StudySummary& study);
/// Arms x arms: the mean paired difference row - column; a star where the corrected test is significant.
std::string pair_heat_map(const StudySummary& study);
/// One class: a row an arm, with its quartiles, whiskers to 1.5 quartile ranges, and outliers by name.
std::string class_box_plot(const StudySummary& study, int64_t class_id);

/// The arm's reference across, the arm upwards, a dot a case; every arm has the same axes.
std::string paired_scatter(const StudySummary& study, size_t arm);
/// Every case a line from the reference to the arm; those that gained and lost most are named.
std::string slope_chart(const StudySummary& study, size_t arm);

/// What an arm costs across (logarithmic), its mean of the primary metric upwards, arms by their numbers.
enum class Cost { Parameters, Training, Memory };
std::string cost_plot(const StudySummary& study, Cost cost);

}  // namespace lamina::engine
