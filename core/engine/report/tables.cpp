// Puts a study's numbers into CSV and JSON.
#include "engine/report/tables.hpp"

#include "engine/statistics/precision.hpp"

#include <cmath>
#include <iomanip>
#include <limits>
#include <sstream>

namespace lamina::engine {
namespace {

/// Quoted where a comma, quote or line break demands it.
std::string csv_field(const std::string& plain) {
  if (plain.find_first_of(",\"\n") == std::string::npos) return plain;
  std::string quoted = "\"";
  for (const char c : plain) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void set_count(ConfigNode& node, const std::string& key, const std::optional<int64_t>& count) {
  if (count) {
    node.set(key, *count);
  } else {
    node.set(key, ConfigNode());
  }
}

ConfigNode tests_node(const ArmComparison& found) {
  ConfigNode node = ConfigNode::object();
  set_number(node, "p", found.p);
  set_number(node, "p_corrected", found.p_corrected);
  set_number(node, "p_mean", found.p_mean);
  set_number(node, "p_mean_corrected", found.p_mean_corrected);
  set_number(node, "p_wilcoxon", found.p_wilcoxon);
  set_number(node, "p_sign_flip", found.p_sign_flip);
  return node;
}

ConfigNode effects_node(const ArmComparison& found) {
  ConfigNode node = ConfigNode::object();
  set_number(node, "rank_biserial", found.rank_biserial);
  set_number(node, "cliffs_delta", found.cliffs_delta);
  node.set("wins", found.counts.wins);
  node.set("ties", found.counts.ties);
  node.set("losses", found.counts.losses);
  return node;
}

ConfigNode precision_node(const ArmComparison& found, double alpha) {
  const Precision precision = precision_of(found.difference, alpha);
  ConfigNode node = ConfigNode::object();
  set_number(node, "half_width", precision.half_width);
  set_count(node, "units_needed", precision.units);
  set_count(node, "seeds_needed", precision.seeds);
  return node;
}

ConfigNode difference_node(const ArmComparison& found, double alpha) {
  ConfigNode node = ConfigNode::object();
  set_number(node, "mean", found.difference.mean);
  set_number(node, "median", found.median);
  set_number(node, "sd", found.sd);
  set_number(node, "low", found.interval.low);
  set_number(node, "high", found.interval.high);
  set_number(node, "standard_error", found.difference.standard_error);
  set_number(node, "df", found.difference.df);
  set_number(node, "sd_of_runs", std::sqrt(found.difference.seed_part));
  node.set("pairs", found.difference.units);
  node.set("seeds", found.difference.seeds);
  node.set("dropped", found.dropped);
  node.set("filled", found.filled);
  node.set("tests", tests_node(found));
  node.set("effects", effects_node(found));
  node.set("precision", precision_node(found, alpha));
  node.set("verdict", verdict_word(found.verdict));
  return node;
}

ConfigNode metric_node(const MetricSummary& metric, const std::map<int64_t, std::string>& classes, double alpha) {
  ConfigNode node = ConfigNode::object(), by_class = ConfigNode::object();
  set_number(node, "mean", metric.mean);
  set_number(node, "median", metric.median);
  set_number(node, "sd_cases", metric.sd_cases);
  set_number(node, "sd_seeds", metric.sd_seeds);
  if (metric.difference) node.set("difference", difference_node(*metric.difference, alpha));
  for (const auto& [class_id, mean] : metric.classes) set_number(by_class, classes.at(class_id), mean);
  node.set("classes", std::move(by_class));
  return node;
}

ConfigNode class_node(const ClassSummary& one) {
  ConfigNode node = ConfigNode::object();
  set_number(node, "difference", one.difference.value_or(std::numeric_limits<double>::quiet_NaN()));
  node.set("missed", one.missed);
  node.set("hallucinated", one.hallucinated);
  return node;
}

ConfigNode pairs_node(const StudySummary& summary) {
  ConfigNode list = ConfigNode::array();
  for (const auto& pair : summary.pairs) {
    ConfigNode node = ConfigNode::object();
    node.set("arm", summary.arms[pair.variant].arm->name);
    node.set("against", summary.arms[pair.reference].arm->name);
    set_number(node, "mean", pair.found.difference.mean);
    set_number(node, "p_corrected", pair.found.p_corrected);
    node.set("verdict", verdict_word(pair.found.verdict));
    list.push_back(std::move(node));
  }
  return list;
}

ConfigNode ranking_node(const StudySummary& summary) {
  ConfigNode node = ConfigNode::object(), arms = ConfigNode::array();
  set_number(node, "tau", summary.ranking.tau);
  set_number(node, "tau_low", summary.ranking.tau_low);
  for (size_t i = 0; i < summary.ranking.arms.size(); ++i) {
    const RankOfArm& rank = summary.ranking.arms[i];
    ConfigNode one = ConfigNode::object();
    one.set("name", summary.arms[summary.ranked[i]].arm->name);
    one.set("rank", rank.rank);
    one.set("best", rank.best);
    one.set("low", rank.low);
    one.set("high", rank.high);
    arms.push_back(std::move(one));
  }
  node.set("arms", std::move(arms));
  return node;
}

}  // namespace

void set_number(ConfigNode& node, const std::string& key, double value) {
  if (std::isfinite(value)) {
    node.set(key, value);
  } else {
    node.set(key, ConfigNode());
  }
}

ConfigNode arm_node(const ArmSummary& arm, const StudySummary& study, double alpha) {
  ConfigNode node = ConfigNode::object(), metrics = ConfigNode::object(), classes = ConfigNode::object();
  node.set("name", arm.arm->name);
  node.set("runs_done", static_cast<int64_t>(arm.arm->done().size()));
  for (const auto& [name, metric] : arm.metrics) metrics.set(name, metric_node(metric, study.classes, alpha));
  node.set("metrics", std::move(metrics));
  for (const auto& [id, one] : arm.classes) classes.set(study.classes.at(id), class_node(one));
  node.set("classes", std::move(classes));
  node.set("missed", arm.missed);
  node.set("hallucinated", arm.hallucinated);
  node.set("parameters_trainable", arm.trainable);
  node.set("parameters_total", arm.total);
  node.set("train_seconds", arm.train_seconds);
  node.set("seconds_per_case", arm.seconds_per_case);
  node.set("peak_memory_bytes", arm.peak_memory);
  node.set("uses_ground_truth", arm.uses_ground_truth);
  return node;
}

std::string results_csv(const StudyData& study) {
  std::ostringstream out;
  out << "arm,seed,case,group,class,class_name,metric,value,flag\n" << std::setprecision(9);
  for (const auto& arm : study.arms) {
    for (const auto* run : arm.done()) {
      for (const auto& row : run->rows) {
        out << csv_field(arm.name) << ',' << run->seed << ',' << csv_field(row.case_id) << ',' << csv_field(row.group)
            << ',' << row.class_id << ',' << csv_field(row.class_name) << ',' << csv_field(row.metric) << ',';
        if (std::isfinite(row.value)) out << row.value;
        out << ',' << row.flag << '\n';
      }
    }
  }
  return out.str();
}

std::string stats_json(const StudyData& study, const StudySummary& summary) {
  ConfigNode root = ConfigNode::object(), arms = ConfigNode::array();
  root.set("study", study.name);
  root.set("baseline", study.baseline);
  root.set("primary", summary.primary().name);
  root.set("best", summary.arms[summary.best].metrics.empty() ? "" : summary.arms[summary.best].arm->name);
  root.set("cases", summary.cases);
  root.set("unit", summary.unit);
  root.set("compare", dump_options(study.compare));
  for (const auto& arm : summary.arms) arms.push_back(arm_node(arm, summary, study.compare.alpha));
  root.set("arms", std::move(arms));
  root.set("ranking", ranking_node(summary));
  root.set("pairs", pairs_node(summary));
  return root.dump(2) + "\n";
}

}  // namespace lamina::engine
