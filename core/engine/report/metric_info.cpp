// Asks the metrics' components.
#include "engine/report/metric_info.hpp"

#include <lamina/base/text.hpp>

#include <map>

namespace lamina::engine {
namespace {

/// What a metric's component says of itself, with the options it was given.
std::string meaning_of(const ConfigNode& entry, const std::string& type, const Registry& registry) {
  std::string meaning = registry.find("metric", type, "evaluate.metrics").info.summary;
  const ConfigNode full = registry.resolve("metric", entry);
  std::vector<std::string> options;
  for (const auto& key : full.keys()) {
    if (key != "type" && key != "id") options.push_back(key + " " + full.at(key).dump());
  }
  return options.empty() ? meaning : text(meaning, " (", join(options), ")");
}

}  // namespace

std::vector<MetricInfo> metric_infos(const EvaluateSection& section, const DatasetInfo& dataset,
                                     const Registry& registry) {
  const Evaluator evaluator(section.metrics, section.empty, dataset, registry);
  std::vector<MetricInfo> infos;
  for (size_t i = 0; i < evaluator.names.size(); ++i) {
    const Metric& metric = *evaluator.metrics[i];
    infos.push_back({evaluator.names[i], metric.unit(), meaning_of(section.metrics[i], evaluator.types[i], registry),
                     metric.higher_is_better()});
  }
  return infos;
}

DatasetInfo info_from_scores(const StudyData& study) {
  std::map<int64_t, std::string> classes{{0, "background"}};
  for (const auto& arm : study.arms) {
    for (const auto* run : arm.done()) {
      for (const auto& row : run->rows) classes[row.class_id] = row.class_name;
    }
  }
  DatasetInfo info;
  for (const auto& [id, name] : classes) info.classes.push_back(name);
  return info;
}

}  // namespace lamina::engine
