// Fills the report's template.
#pragma once

#include "engine/report/comparison.hpp"
#include "engine/report/overlay.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

struct ReportContents {
  const StudyData& study;
  const StudySummary& summary;
  DatasetInfo dataset;
  std::string dataset_problem;  // why there are no pictures
  std::string empty_policy;
  std::vector<std::vector<Overlay>> overlays;     // by arm
  ConfigNode environment;                         // of the first run; null when there is none
  std::vector<std::vector<OverlayPair>> pairs{};  // by arm
};

std::string render_report(const ReportContents& contents);

}  // namespace lamina::engine
