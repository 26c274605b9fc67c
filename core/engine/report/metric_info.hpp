// What a study's metrics and its dataset say of themselves.
#pragma once

#include "engine/experiment/options.hpp"
#include "engine/report/comparison.hpp"

#include <vector>

namespace lamina::engine {

/// Names, units and directions of the metrics, in their order.
std::vector<MetricInfo> metric_infos(const EvaluateSection& section, const DatasetInfo& dataset,
                                     const Registry& registry);
/// What the scores remember of a dataset: its classes.
DatasetInfo info_from_scores(const StudyData& study);

}  // namespace lamina::engine
