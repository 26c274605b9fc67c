// report.html: one self-contained file, readable without JavaScript.
#pragma once

#include "engine/ablate/study.hpp"

#include <filesystem>

namespace lamina::engine {

/// Pictures of cases: a report without them holds numbers and plots alone, and may be given away.
enum class CasePictures { Shown, LeftOut };

/// Reads the study's folder (plan.json, run folders) and writes results.csv, stats.json and report.html; says what is
/// missing or failed. Returns the report's path.
std::filesystem::path write_report(const std::filesystem::path& study_folder, const Registry& registry,
                                   CasePictures pictures = CasePictures::Shown);

}  // namespace lamina::engine
