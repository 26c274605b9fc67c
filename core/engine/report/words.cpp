// Says what the numbers mean, and what they cannot show.
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace lamina::engine {
namespace {

constexpr int64_t kFewCases = 30;

std::string plural(int64_t count, const std::string& word) { return text(count, " ", word, count == 1 ? "" : "s"); }

std::string interval_text(const PairedDifference& difference, const MetricInfo& metric, double alpha) {
  return text(std::lround((1 - alpha) * 100), " % interval ", metric_text(difference.interval.low, metric, true),
              " to ", metric_text(difference.interval.high, metric, true));
}

std::string arm_sentence(const ArmSummary& arm, const StudySummary& study, const CompareSection& compare) {
  const MetricInfo& metric = study.primary();
  const std::string name = arm.arm->name;
  if (arm.metrics.empty()) return name + " has no result.";
  const MetricSummary& summary = arm.metrics.at(metric.name);
  const std::string score = text(name, " reaches ", metric_text(summary.mean, metric));
  if (!summary.difference) return score + ".";
  const PairedDifference& difference = *summary.difference;
  const std::string facts =
      text(score, ", ", metric_text(difference.mean, metric, true), " against ", study.baseline().arm->name, " (",
           interval_text(difference, metric, compare.alpha), "): ");
  switch (finding_of(difference, metric)) {
    case Finding::Better:
      return facts + "better on these cases.";
    case Finding::Worse:
      return facts + "worse on these cases.";
    default:
      return facts + "no difference that these " + plural(difference.pairs, "case") + " can show.";
  }
}

std::string headline(const StudySummary& study) {
  const MetricInfo& metric = study.primary();
  const ArmSummary& best = study.arms[study.best];
  if (best.metrics.empty()) return "No arm has a result yet.";
  const std::string score = text("mean ", metric.name, " ", metric_text(best.metrics.at(metric.name).mean, metric),
                                 " over ", plural(study.cases, "test case"));
  if (study.arms.size() == 1) return text(best.arm->name, ": ", score, ".");
  const std::string leads = text(best.arm->name, " is best: ", score, ". ");
  if (study.best == 0) {
    const bool any = std::any_of(study.arms.begin() + 1, study.arms.end(), [&](const ArmSummary& arm) {
      return !arm.metrics.empty() && arm.metrics.at(metric.name).difference &&
             finding_of(*arm.metrics.at(metric.name).difference, metric) != Finding::Worse;
    });
    return leads + (any ? "It is the baseline; not every other arm can be told apart from it."
                        : "It is the baseline, and every arm with a result is worse.");
  }
  const auto& difference = best.metrics.at(metric.name).difference;
  if (!difference) return leads + "The baseline has no result to compare it with.";
  if (finding_of(*difference, metric) == Finding::Better)
    return leads + "Its lead over the baseline is larger than chance between cases explains.";
  return leads + "Its lead over the baseline is no difference that these cases can show.";
}

}  // namespace

std::string metric_text(double value, const MetricInfo& metric, bool sign) {
  if (std::isnan(value)) return "undefined";
  char digits[64];
  std::snprintf(digits, sizeof digits, sign ? "%+.*f" : "%.*f", metric.unit.empty() ? 4 : 2, value);
  return metric.unit.empty() ? digits : text(digits, " ", metric.unit);
}

std::string short_count(int64_t count) {
  char digits[32];
  if (count < 1000) return std::to_string(count);
  const bool millions = count >= 1000000;
  std::snprintf(digits, sizeof digits, "%.3g %s", static_cast<double>(count) / (millions ? 1e6 : 1e3),
                millions ? "M" : "k");
  return digits;
}

Finding finding_of(const PairedDifference& difference, const MetricInfo& metric) {
  if (!(difference.interval.low > 0) && !(difference.interval.high < 0)) return Finding::Unclear;
  return (difference.interval.low > 0) == metric.higher_is_better ? Finding::Better : Finding::Worse;
}

Verdict verdict_of(const StudySummary& study, const CompareSection& compare) {
  Verdict verdict{headline(study), {}};
  for (size_t i = 1; i < study.arms.size(); ++i) verdict.arms.push_back(arm_sentence(study.arms[i], study, compare));
  return verdict;
}

std::vector<std::string> caveats_of(const StudySummary& study, const StudyData& data) {
  std::vector<std::string> all = data.warnings;
  if (!study.primary_found) {
    all.push_back(text("the primary metric '", data.compare.primary, "' was not evaluated; arms are compared by ",
                       study.primary().name));
  }
  if (study.cases > 0 && study.cases < kFewCases) {
    all.push_back(text("only ", plural(study.cases, "test case"),
                       ": intervals are wide, and wider in truth than the bootstrap says"));
  }
  if (data.seeds.size() == 1)
    all.push_back("one seed: how much a repeated training would move these numbers is not known");
  if (data.arms.size() > 3)
    all.push_back("several arms are compared with one baseline; the intervals are not corrected for that");
  for (const auto& arm : study.arms) {
    if (arm.uses_ground_truth)
      all.push_back("arm '" + arm.arm->name + "' uses ground truth at prediction (oracle prompts)");
    for (const auto& run : arm.arm->runs) {
      if (run.status.state == "done" || run.status.state == "failed") continue;
      all.push_back(text("arm '", arm.arm->name, "', seed ", run.seed, " is not finished (", run.status.state, ")"));
    }
  }
  return all;
}

}  // namespace lamina::engine
