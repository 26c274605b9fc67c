// The table a paper prints: arms, their scores, their differences to the baseline, their size.
#pragma once

#include "engine/report/comparison.hpp"

#include <string>

namespace lamina::engine {

/// GitHub's Markdown, with a line on how to read it.
std::string markdown_table(const StudyData& study, const StudySummary& summary);
/// A table environment; needs the package booktabs.
std::string latex_table(const StudyData& study, const StudySummary& summary);

std::string escape_markdown(const std::string& plain);
std::string escape_latex(const std::string& plain);

}  // namespace lamina::engine
