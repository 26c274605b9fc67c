// Numbers and verdicts in words.
#pragma once

#include "engine/report/comparison.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

/// "0.8412", "3.21 mm"; "undefined" for NaN. `sign`: "+0.0031".
std::string metric_text(double value, const MetricInfo& metric, bool sign = false);
std::string short_count(int64_t count);  ///< "1.23 M"

enum class Finding { Better, Worse, Unclear };
/// What the interval says: unclear when it holds zero.
Finding finding_of(const PairedDifference& difference, const MetricInfo& metric);

/// The main sentence, then one sentence an arm.
struct Verdict {
  std::string headline;
  std::vector<std::string> arms;
};
Verdict verdict_of(const StudySummary& study, const CompareSection& compare);

/// What a reader must know before believing the numbers: few cases, one seed, failed and missing runs, oracle arms.
std::vector<std::string> caveats_of(const StudySummary& study, const StudyData& data);

}  // namespace lamina::engine
