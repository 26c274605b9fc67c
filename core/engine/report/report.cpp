// Writes the report of a study's folder.
#include "engine/report/report.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/report/html.hpp"
#include "engine/report/metric_info.hpp"
#include "engine/report/paper_table.hpp"
#include "engine/report/tables.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

namespace lamina::engine {
namespace {

/// The dataset's own words; where it is gone, what the scores remember of it.
struct DatasetFacts {
  std::shared_ptr<Dataset> dataset;
  DatasetInfo info;
  std::string problem;
};

DatasetFacts dataset_of(const StudyData& study, const Experiment& experiment, const Registry& registry) {
  try {
    const auto dataset = open_dataset(experiment, registry);
    return {dataset, dataset->info(), ""};
  } catch (const Error& error) {
    return {nullptr, info_from_scores(study), error.what()};
  }
}

ConfigNode environment_of_first(const StudyData& study) {
  for (const auto& arm : study.arms) {
    for (const auto* run : arm.done()) {
      const auto file = run->folder.environment();
      if (std::filesystem::exists(file)) return ConfigNode::parse(read_file(file), file.string());
    }
  }
  return {};
}

/// Everything but the pictures.
struct StudyNumbers {
  StudyData study;
  Experiment experiment;
  DatasetFacts facts;
  StudySummary summary;
};

/// The summary points into the study, so neither is copied.
std::unique_ptr<StudyNumbers> numbers_of(const std::filesystem::path& study_folder, const Registry& registry) {
  StudyData study = read_study_folder(study_folder);
  Experiment experiment = Experiment::from_node(study.arms.front().experiment, study.arms.front().origin, {}, registry);
  DatasetFacts facts = dataset_of(study, experiment, registry);
  auto numbers =
      std::make_unique<StudyNumbers>(StudyNumbers{std::move(study), std::move(experiment), std::move(facts), {}});
  numbers->summary =
      summarise(numbers->study, metric_infos(numbers->experiment.options().evaluate, numbers->facts.info, registry));
  return numbers;
}

const ArmData& reference_of(const StudySummary& summary, size_t arm) {
  return *summary.arms[summary.arms[arm].reference].arm;
}

void add_pictures_of_cases(const StudyNumbers& numbers, ReportContents& contents) {
  const auto& arms = numbers.study.arms;
  const PictureCounts counts = picture_counts(arms.size());
  Progress progress("drawing cases", std::ssize(arms), "arms");
  for (size_t i = 0; i < arms.size(); ++i) {
    const MetricInfo& metric = numbers.summary.primary();
    const Dataset& dataset = *numbers.facts.dataset;
    contents.overlays.push_back(overlays_of(arms[i], metric, dataset, counts.extremes));
    contents.pairs.push_back(overlay_pairs(arms[i], reference_of(numbers.summary, i), metric, dataset, counts.pairs));
    progress.update(static_cast<int64_t>(i) + 1);
  }
}

const std::vector<std::pair<std::string, ReportFormat>>& named_formats() {
  static const std::vector<std::pair<std::string, ReportFormat>> kFormats{{"html", ReportFormat::Html},
                                                                          {"md", ReportFormat::Markdown},
                                                                          {"latex", ReportFormat::Latex},
                                                                          {"csv", ReportFormat::Csv},
                                                                          {"json", ReportFormat::Json}};
  return kFormats;
}

}  // namespace

std::filesystem::path write_report(const std::filesystem::path& study_folder, const Registry& registry,
                                   CasePictures pictures, std::filesystem::path page) {
  const auto numbers = numbers_of(study_folder, registry);
  write_file(study_folder / "results.csv", results_csv(numbers->study));
  write_file(study_folder / "stats.json", stats_json(numbers->study, numbers->summary));
  ReportContents contents{numbers->study,
                          numbers->summary,
                          numbers->facts.info,
                          numbers->facts.problem,
                          numbers->experiment.options().evaluate.empty,
                          {},
                          environment_of_first(numbers->study)};
  if (pictures == CasePictures::LeftOut) {
    contents.dataset_problem = "left out, as asked for";
  } else if (numbers->facts.dataset) {
    add_pictures_of_cases(*numbers, contents);
  } else {
    log_warning("the report has no pictures: " + numbers->facts.problem);
  }
  if (page.empty()) page = study_folder / "report.html";
  write_file(page, render_report(contents));
  return page;
}

ReportFormat report_format(const std::string& word) {
  std::vector<std::string> words;
  for (const auto& [name, format] : named_formats()) {
    if (name == word) return format;
    words.push_back(name);
  }
  throw ConfigError(text("--format is '", word, "'; a report is written as ", join(words), did_you_mean(word, words)));
}

std::string report_text(const std::filesystem::path& study_folder, const Registry& registry, ReportFormat format) {
  if (format == ReportFormat::Csv) return results_csv(read_study_folder(study_folder));
  const auto numbers = numbers_of(study_folder, registry);
  switch (format) {
    case ReportFormat::Markdown:
      return markdown_table(numbers->study, numbers->summary);
    case ReportFormat::Latex:
      return latex_table(numbers->study, numbers->summary);
    default:
      return stats_json(numbers->study, numbers->summary);
  }
}

}  // namespace lamina::engine
