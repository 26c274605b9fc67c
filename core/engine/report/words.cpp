// Says what the numbers mean, and what they cannot show.
#include "engine/report/words.hpp"

#include "engine/statistics/precision.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace lamina::engine {
namespace {

constexpr int64_t kFewCases = 30;

std::string plural(int64_t count, const std::string& word) { return text(count, " ", word, count == 1 ? "" : "s"); }

std::string interval_text(const ArmComparison& comparison, const MetricInfo& metric, const CompareSection& compare) {
  return text(std::lround((1 - compare.alpha) * 100), " % interval ",
              metric_text(comparison.interval.low, metric, true), " to ",
              metric_text(comparison.interval.high, metric, true), ", p ", p_text(comparison.p_corrected));
}

/// A gain that chance does not explain may still be too small to matter.
std::string judged_text(const ArmComparison& comparison, const MetricInfo& metric, const CompareSection& compare) {
  const double nearest = std::min(std::abs(comparison.interval.low), std::abs(comparison.interval.high));
  const std::string word = verdict_word(comparison.verdict);
  if (nearest >= compare.rope) return word + ".";
  return text(word, ", though the difference may be smaller than the ", metric_text(compare.rope, metric),
              " that matter.");
}

std::string equivalent_text(const ArmComparison& comparison, const MetricInfo& metric, const CompareSection& compare) {
  if (compare.rope == 0) return "equivalent: every score is the same.";
  return text("equivalent: whatever the difference is, it is smaller than the ", metric_text(compare.rope, metric),
              " that matter.");
}

std::string inconclusive_text(const ArmComparison& comparison, const StudySummary& study,
                              const CompareSection& compare) {
  const bool leaves_zero_out = comparison.interval.low > 0 || comparison.interval.high < 0;
  if (leaves_zero_out) {
    return text("inconclusive: the interval leaves out zero, but a test does not agree",
                compare.correction == "holm" && study.ranked.size() > 2 ? " once all arms are counted." : ".");
  }
  const std::string more = precision_text(comparison, study, compare.alpha);
  return text("inconclusive: no difference that these ", units_text(comparison.difference.units, study), " and ",
              plural(comparison.difference.seeds, "seed"), " can show.", more.empty() ? "" : " " + more);
}

std::string arm_sentence(const ArmSummary& arm, const StudySummary& study, const CompareSection& compare) {
  const MetricInfo& metric = study.primary();
  const std::string name = arm.arm->name;
  if (arm.metrics.empty()) return name + " has no result.";
  const MetricSummary& summary = arm.metrics.at(metric.name);
  const std::string score = text(name, " reaches ", metric_text(summary.mean, metric));
  if (!summary.difference) return score + ".";
  const ArmComparison& comparison = *summary.difference;
  const std::string reference = arm.arm->against.empty() ? study.baseline().arm->name : arm.arm->against;
  const std::string facts = text(score, ", ", metric_text(comparison.difference.mean, metric, true), " against ",
                                 reference, " (", interval_text(comparison, metric, compare), "): ");
  switch (comparison.verdict) {
    case Verdict::Equivalent:
      return facts + equivalent_text(comparison, metric, compare);
    case Verdict::Inconclusive:
      return facts + inconclusive_text(comparison, study, compare);
    default:
      return facts + judged_text(comparison, metric, compare);
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
             arm.metrics.at(metric.name).difference->verdict != Verdict::Worse;
    });
    return leads + (any ? "It is the baseline; not every other arm can be told apart from it."
                        : "It is the baseline, and every arm with a result is worse.");
  }
  const auto& difference = best.metrics.at(metric.name).difference;
  if (!difference) return leads + "The baseline has no result to compare it with.";
  switch (difference->verdict) {
    case Verdict::Better:
      return leads + "Its lead over the baseline is larger than chance between cases and seeds explains.";
    case Verdict::Equivalent:
      return leads + "Its lead over the baseline is too small to matter.";
    default:
      return leads + "Its lead over the baseline is no difference that these cases and seeds can show.";
  }
}

}  // namespace

std::string metric_text(double value, const MetricInfo& metric, bool sign) {
  if (std::isnan(value)) return "undefined";
  char digits[64];
  std::snprintf(digits, sizeof digits, sign ? "%+.*f" : "%.*f", metric.unit.empty() ? 4 : 2, value);
  return metric.unit.empty() ? digits : text(digits, " ", metric.unit);
}

std::string bare_number(double value, const MetricInfo& metric, bool sign) {
  const std::string words = metric_text(value, metric, sign);
  return words.substr(0, words.find(' '));
}

std::string label_of(const MetricInfo& metric) {
  return metric.unit.empty() ? metric.name : metric.name + " (" + metric.unit + ")";
}

std::vector<const MetricInfo*> secondary_metrics(const StudySummary& study, const CompareSection& compare) {
  std::vector<const MetricInfo*> shown;
  for (const auto& metric : study.metrics) {
    const bool wanted = std::any_of(compare.secondary.begin(), compare.secondary.end(), [&](const std::string& one) {
      return metric_named({metric.name}, one) == metric.name;
    });
    if (wanted && metric.name != study.primary().name) shown.push_back(&metric);
  }
  return shown;
}

std::string short_count(int64_t count) {
  char digits[32];
  if (count < 1000) return std::to_string(count);
  const bool millions = count >= 1000000;
  std::snprintf(digits, sizeof digits, "%.3g %s", static_cast<double>(count) / (millions ? 1e6 : 1e3),
                millions ? "M" : "k");
  return digits;
}

std::string p_text(double p) {
  if (std::isnan(p)) return "undefined";
  if (p < 0.001) return "below 0.001";
  char digits[32];
  std::snprintf(digits, sizeof digits, p < 0.1 ? "%.3f" : "%.2f", p);
  return digits;
}

std::string units_text(int64_t count, const StudySummary& study) { return plural(count, study.unit); }

std::string precision_text(const ArmComparison& comparison, const StudySummary& study, double alpha) {
  const Precision precision = precision_of(comparison.difference, alpha);
  const std::string start = "To see a difference of this size in four of five repetitions, ";
  if (precision.units) return text(start, "about ", units_text(*precision.units, study), " would be needed.");
  if (precision.seeds) {
    return text(start, "no number of ", study.unit, "s would do, because runs differ too much: about ",
                plural(*precision.seeds, "seed"), " an arm would be needed.");
  }
  if (!(std::abs(comparison.difference.mean) > 0)) return "";
  return text(start, "more ", study.unit, "s and more seeds would be needed than anybody has.");
}

Sentences sentences_of(const StudySummary& study, const CompareSection& compare) {
  Sentences sentences{headline(study), {}};
  for (size_t i = 1; i < study.arms.size(); ++i) sentences.arms.push_back(arm_sentence(study.arms[i], study, compare));
  return sentences;
}

std::string interval_method(const StudySummary& study, const CompareSection& compare) {
  const std::string of = text(" of the mean difference, paired by ", study.unit, " and seed, ",
                              std::lround((1 - compare.alpha) * 100), " %");
  if (compare.ci == "t") {
    return text("t interval", of, "; its standard error counts what ", study.unit,
                "s do and, where it shows, what training again does");
  }
  return text(compare.ci == "bca" ? "BCa" : "percentile", " bootstrap", of, "; seeds are drawn, then ", study.unit,
              "s, ", compare.rules().draws, " draws");
}

std::string verdict_method(const StudySummary& study, const CompareSection& compare) {
  static const std::map<std::string, std::string> kTests{{"t", "t test of the mean"},
                                                         {"wilcoxon", "Wilcoxon's signed ranks, zeros dropped"},
                                                         {"pratt", "Wilcoxon's signed ranks, zeros ranked (Pratt)"},
                                                         {"sign_flip", "sign flips of the mean"}};
  const std::string margin = compare.rope > 0 ? text("; equivalent: the interval lies within ",
                                                     metric_text(compare.rope, study.primary()), " of zero")
                                              : "";
  return text("p is that of the ", kTests.at(compare.test),
              compare.correction == "holm" ? ", after Holm over all arms" : "",
              "; better or worse: the interval leaves out zero, and p and the t test of the mean stay within ",
              compare.alpha, margin, "; inconclusive: the rest");
}

std::vector<std::string> caveats_of(const StudySummary& study, const StudyData& data) {
  std::vector<std::string> all = data.warnings;
  if (!study.primary_found) {
    all.push_back(text("the primary metric '", data.compare.primary, "' was not evaluated; arms are compared by ",
                       study.primary().name));
  }
  if (study.cases > 0 && study.cases < kFewCases) {
    all.push_back(
        text("only ", plural(study.cases, "test case"),
             data.compare.ci == "t"
                 ? ": intervals are wide, and the t interval takes their mean for normally distributed, which "
                   "so few cannot show"
                 : ": intervals are wide, and wider in truth than the bootstrap says"));
  }
  if (data.seeds.size() == 1)
    all.push_back("one seed: how much a repeated training would move these numbers is not known");
  if (data.arms.size() > 2 && data.compare.correction == "none")
    all.push_back("several arms are compared with one baseline, and nothing is corrected for that");
  if (data.compare.ci != "t" && data.seeds.size() < 10)
    all.push_back(
        "a bootstrap of few seeds draws those few again and again: its intervals are too narrow; verdicts "
        "also ask the test of the mean, which is not");
  for (const auto& arm : study.arms) {
    if (arm.uses_ground_truth)
      all.push_back("arm '" + arm.arm->name + "' uses ground truth at prediction (oracle prompts)");
    for (const auto& run : arm.arm->runs) {
      if (!run.status.stopped_early.empty())
        all.push_back(text("arm '", arm.arm->name, "', seed ", run.seed, " was stopped early ",
                           run.status.stopped_early,
                           "; its scores are those of a shorter training, and no verdict is given"));
      if (run.status.state == "done" || run.status.state == "failed") continue;
      all.push_back(text("arm '", arm.arm->name, "', seed ", run.seed, " is not finished (", run.status.state, ")"));
    }
  }
  return all;
}

}  // namespace lamina::engine
