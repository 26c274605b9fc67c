// report.html: one self-contained file, readable without JavaScript.
#pragma once

#include "engine/ablate/study.hpp"

#include <filesystem>

namespace lamina::engine {

/// Reads the study's folder (plan.json, run folders) and writes results.csv, stats.json and report.html; says what is
/// missing or failed. Returns the report's path.
std::filesystem::path write_report(const std::filesystem::path& study_folder, const Registry& registry);

}  // namespace lamina::engine
