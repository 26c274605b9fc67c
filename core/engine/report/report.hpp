// report.html: one self-contained file, readable without JavaScript; and its numbers in other formats.
#pragma once

#include "engine/ablate/study.hpp"

#include <filesystem>
#include <string>

namespace lamina::engine {

/// Pictures of cases: a report without them holds numbers and plots alone, and may be given away.
enum class CasePictures { Shown, LeftOut };

/// Reads the study's folder (plan.json, run folders) and writes results.csv, stats.json and report.html; says what is
/// missing or failed. Returns the page's path: `page`, or report.html in the folder.
std::filesystem::path write_report(const std::filesystem::path& study_folder, const Registry& registry,
                                   CasePictures pictures = CasePictures::Shown, std::filesystem::path page = {});

/// Html is what write_report() writes; report_text() takes the others.
enum class ReportFormat { Html, Markdown, Latex, Csv, Json };
/// "html", "md", "latex", "csv" or "json"; ConfigError for another word.
ReportFormat report_format(const std::string& word);
/// The paper's table (md, latex), results.csv or stats.json as text; writes nothing.
std::string report_text(const std::filesystem::path& study_folder, const Registry& registry, ReportFormat format);

}  // namespace lamina::engine
