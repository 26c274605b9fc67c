// Numbers and verdicts in words.
#pragma once

#include "engine/report/comparison.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

/// "0.8412", "3.21 mm"; "undefined" for NaN. `sign`: "+0.0031".
std::string metric_text(double value, const MetricInfo& metric, bool sign = false);
/// The same without the unit, which stands in the column's head.
std::string bare_number(double value, const MetricInfo& metric, bool sign = false);
std::string label_of(const MetricInfo& metric);  ///< "hd95 (mm)"
/// Of those that were evaluated, what the study's `compare.secondary` names.
std::vector<const MetricInfo*> secondary_metrics(const StudySummary& study, const CompareSection& compare);
std::string short_count(int64_t count);  ///< "1.23 M"

std::string p_text(double p);  ///< "0.012", "below 0.001"; "undefined" for NaN
/// "40 cases", "1 patient": what the study counts as independent.
std::string units_text(int64_t count, const StudySummary& study);
/// How many units or runs would be needed to see the difference found in four of five repetitions; "" for none to see.
std::string precision_text(const ArmComparison& comparison, const StudySummary& study, double alpha);

/// The main sentence, then one sentence an arm.
struct Sentences {
  std::string headline;
  std::vector<std::string> arms;
};
Sentences sentences_of(const StudySummary& study, const CompareSection& compare);

/// How intervals were made and when an arm is called what, for the page's list of methods.
std::string interval_method(const StudySummary& study, const CompareSection& compare);
std::string verdict_method(const StudySummary& study, const CompareSection& compare);

/// What a reader must know before believing the numbers: few cases, one seed, failed and missing runs, oracle arms.
std::vector<std::string> caveats_of(const StudySummary& study, const StudyData& data);

}  // namespace lamina::engine
