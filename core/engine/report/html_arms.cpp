// The page's tables of arms: scores, differences, order, pairs, cost.
#include "engine/report/html_sections.hpp"
#include "engine/report/plots.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <cmath>
#include <cstdio>

namespace lamina::engine {
namespace {

using kainjow::mustache::data;

std::string both_ends(const ArmComparison& found, const MetricInfo& metric) {
  return text(metric_text(found.interval.low, metric, true), " to ", metric_text(found.interval.high, metric, true));
}

void set_difference(data& row, const ArmSummary& arm, const StudySummary& summary) {
  for (const char* field : {"finding", "interval", "verdict", "counts"}) row.set(field, "");
  set_optional(row, "p", "");
  row.set("difference", &arm == &summary.arms.front() ? "baseline" : "-");
  const auto& metric = summary.primary();
  if (arm.metrics.empty() || !arm.metrics.at(metric.name).difference) return;
  const ArmComparison& found = *arm.metrics.at(metric.name).difference;
  const bool judged = found.verdict == Verdict::Better || found.verdict == Verdict::Worse;
  row.set("finding", judged ? verdict_word(found.verdict) : "");
  row.set("verdict", verdict_word(found.verdict));
  row.set("difference", metric_text(found.difference.mean, metric, true));
  row.set("interval", both_ends(found, metric));
  row.set("p", p_text(found.p_corrected));
  row.set("counts", text(found.counts.wins, " / ", found.counts.ties, " / ", found.counts.losses));
}

void set_spread(data& row, const ArmSummary& arm, const MetricInfo& metric) {
  const auto* primary = arm.metrics.empty() ? nullptr : &arm.metrics.at(metric.name);
  const bool seeds = primary && primary->seed_means.size() > 1;
  row.set("sd_cases", primary ? bare_number(primary->sd_cases, metric) : "-");
  row.set("sd_seeds", seeds ? bare_number(primary->sd_seeds, metric) : "-");
}

void set_cost(data& row, const ArmSummary& arm) {
  const bool known = !arm.metrics.empty();
  row.set("missed", known ? text(arm.missed, " / ", arm.hallucinated) : "-");
  row.set("trainable", known ? short_count(arm.trainable) : "-");
  row.set("total", known ? short_count(arm.total) : "-");
  row.set("training", known ? human_seconds(arm.train_seconds) : "-");
  row.set("per_case", known ? text(std::round(arm.seconds_per_case * 100) / 100, " s") : "-");
  row.set("memory", known ? human_bytes(arm.peak_memory) : "-");
}

data arm_row(const StudySummary& summary, size_t index) {
  const ArmSummary& arm = summary.arms[index];
  data row = named(*arm.arm, index);
  const size_t done = arm.arm->done().size();
  row.set("oracle", flag(arm.uses_ground_truth));
  set_optional(row, "note", done == arm.arm->runs.size() ? "" : text(done, " of ", arm.arm->runs.size(), " runs"));
  std::vector<std::string> values;
  for (const auto& metric : summary.metrics) {
    values.push_back(arm.metrics.empty() ? "-" : bare_number(arm.metrics.at(metric.name).mean, metric));
  }
  row.set("values", list_of(values));
  set_difference(row, arm, summary);
  set_spread(row, arm, summary.primary());
  set_cost(row, arm);
  return row;
}

void add_table(PageFields& page, const ReportContents& in) {
  data rows(data::type::list);
  std::vector<std::string> labels;
  for (const auto& metric : in.summary.metrics) labels.push_back(label_of(metric));
  for (size_t i = 0; i < in.summary.arms.size(); ++i) rows.push_back(arm_row(in.summary, i));
  page.set("metrics", list_of(labels));
  page.set("arms", rows);
  const bool compared = in.summary.arms.size() > 1 && !in.summary.baseline().metrics.empty();
  set_optional(page, "forest", compared ? forest_plot(in.summary, in.study.compare) : "");
}

data secondary_row(const StudySummary& summary, size_t arm, const std::vector<const MetricInfo*>& metrics) {
  data row = named(*summary.arms[arm].arm, arm), cells(data::type::list);
  for (const MetricInfo* metric : metrics) {
    const auto& all = summary.arms[arm].metrics;
    const bool known = !all.empty() && all.at(metric->name).difference;
    data cell;
    cell.set("difference", known ? metric_text(all.at(metric->name).difference->difference.mean, *metric, true) : "-");
    cell.set("interval", known ? both_ends(*all.at(metric->name).difference, *metric) : "");
    cells.push_back(cell);
  }
  row.set("cells", cells);
  return row;
}

void add_secondary(PageFields& page, const ReportContents& in) {
  const auto shown = secondary_metrics(in.summary, in.study.compare);
  std::vector<std::string> labels;
  for (const MetricInfo* metric : shown) labels.push_back(label_of(*metric));
  data rows(data::type::list);
  for (size_t i = 1; i < in.summary.arms.size(); ++i) rows.push_back(secondary_row(in.summary, i, shown));
  page.set("has_secondary", flag(!shown.empty() && in.summary.arms.size() > 1));
  page.set("secondary", list_of(labels));
  page.set("secondary_rows", rows);
}

double one_decimal(double value) { return std::round(value * 10) / 10; }

void add_ranking(PageFields& page, const StudySummary& summary) {
  const Ranking& ranking = summary.ranking;
  data rows(data::type::list);
  for (size_t i = 0; i < ranking.arms.size(); ++i) {
    data row = named(*summary.arms[summary.ranked[i]].arm, summary.ranked[i]);
    row.set("rank", text(ranking.arms[i].rank));
    row.set("best", text(std::lround(ranking.arms[i].best * 100), " %"));
    row.set("range", text(one_decimal(ranking.arms[i].low), " to ", one_decimal(ranking.arms[i].high)));
    rows.push_back(row);
  }
  char tau[32];
  std::snprintf(tau, sizeof tau, "%.2f", ranking.tau);
  page.set("has_ranking", flag(ranking.arms.size() > 1));
  page.set("ranks", rows);
  page.set("tau", std::string(tau));
  set_optional(page, "pair_map", pair_heat_map(summary));
}

void add_cost(PageFields& page, const StudySummary& summary) {
  std::vector<std::string> plots;
  for (const Cost cost : {Cost::Parameters, Cost::Training, Cost::Memory}) {
    const std::string plot = cost_plot(summary, cost);
    if (!plot.empty()) plots.push_back(plot);
  }
  page.set("has_costs", flag(!plots.empty() && summary.arms.size() > 1));
  page.set("costs", list_of(plots));
}

}  // namespace

void add_arms(PageFields& page, const ReportContents& in) {
  add_table(page, in);
  add_secondary(page, in);
  add_ranking(page, in.summary);
  add_cost(page, in.summary);
}

}  // namespace lamina::engine
