// The report's figures, as inline SVG.
#pragma once

#include "engine/report/comparison.hpp"

#include <string>

namespace lamina::engine {

/// Colour of the n-th arm: the Okabe-Ito palette, told apart by colour-blind readers and in grey.
std::string arm_colour(size_t arm);

/// One row an arm: mean paired difference to the baseline, its interval, one small dot a seed; the margin that does not
/// matter is shaded.
std::string forest_plot(const StudySummary& study, const CompareSection& compare);
/// One row an arm: every case a dot, the median a bar.
std::string strip_plot(const StudySummary& study);
/// A column of curves.csv over epochs: seeds thin, their mean thick. "" when no run has the column.
std::string curve_plot(const StudyData& study, const std::string& column, const std::string& title);

}  // namespace lamina::engine
