// Writes the report of a study's folder.
#include "engine/report/report.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/report/html.hpp"
#include "engine/report/metric_info.hpp"
#include "engine/report/tables.hpp"

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
    log_warning(text("the report has no pictures: ", error.what()));
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

}  // namespace

std::filesystem::path write_report(const std::filesystem::path& study_folder, const Registry& registry,
                                   CasePictures pictures) {
  const StudyData study = read_study_folder(study_folder);
  const Experiment experiment =
      Experiment::from_node(study.arms.front().experiment, study.arms.front().origin, {}, registry);
  const DatasetFacts facts = dataset_of(study, experiment, registry);
  const StudySummary summary = summarise(study, metric_infos(experiment.options().evaluate, facts.info, registry));
  write_results_csv(study);
  write_stats(study, summary);
  ReportContents contents{
      study, summary, facts.info, facts.problem, experiment.options().evaluate.empty, {}, environment_of_first(study)};
  if (pictures == CasePictures::LeftOut) contents.dataset_problem = "left out, as asked for";
  for (const auto& arm : study.arms) {
    const bool shown = facts.dataset && pictures == CasePictures::Shown;
    contents.overlays.push_back(shown ? overlays_of(arm, summary.primary(), *facts.dataset) : std::vector<Overlay>{});
  }
  const auto file = study_folder / "report.html";
  write_file(file, render_report(contents));
  return file;
}

}  // namespace lamina::engine
