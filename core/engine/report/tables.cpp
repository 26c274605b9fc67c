// Writes results.csv and stats.json.
#include "engine/report/tables.hpp"

#include <lamina/base/atomic_file.hpp>

#include <cmath>
#include <iomanip>
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

/// NaN is null: JSON knows no other way.
void set_number(ConfigNode& node, const std::string& key, double value) {
  if (std::isfinite(value)) {
    node.set(key, value);
  } else {
    node.set(key, ConfigNode());
  }
}

ConfigNode difference_node(const PairedDifference& difference) {
  ConfigNode node = ConfigNode::object();
  set_number(node, "mean", difference.mean);
  set_number(node, "sd", difference.sd);
  set_number(node, "low", difference.interval.low);
  set_number(node, "high", difference.interval.high);
  node.set("pairs", difference.pairs);
  node.set("dropped", difference.dropped);
  return node;
}

ConfigNode metric_node(const MetricSummary& metric, const std::map<int64_t, std::string>& classes) {
  ConfigNode node = ConfigNode::object(), by_class = ConfigNode::object();
  set_number(node, "mean", metric.mean);
  set_number(node, "median", metric.median);
  set_number(node, "sd_cases", metric.sd_cases);
  set_number(node, "sd_seeds", metric.sd_seeds);
  if (metric.difference) node.set("difference", difference_node(*metric.difference));
  for (const auto& [class_id, mean] : metric.classes) set_number(by_class, classes.at(class_id), mean);
  node.set("classes", std::move(by_class));
  return node;
}

ConfigNode arm_node(const ArmSummary& arm, const StudySummary& study) {
  ConfigNode node = ConfigNode::object(), metrics = ConfigNode::object();
  node.set("name", arm.arm->name);
  node.set("runs_done", static_cast<int64_t>(arm.arm->done().size()));
  for (const auto& [name, metric] : arm.metrics) metrics.set(name, metric_node(metric, study.classes));
  node.set("metrics", std::move(metrics));
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

}  // namespace

void write_results_csv(const StudyData& study) {
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
  write_file(study.folder / "results.csv", out.str());
}

void write_stats(const StudyData& study, const StudySummary& summary) {
  ConfigNode root = ConfigNode::object(), arms = ConfigNode::array();
  root.set("study", study.name);
  root.set("baseline", study.baseline);
  root.set("primary", summary.primary().name);
  root.set("best", summary.arms[summary.best].metrics.empty() ? "" : summary.arms[summary.best].arm->name);
  root.set("cases", summary.cases);
  root.set("alpha", study.compare.alpha);
  root.set("draws", study.compare.draws);
  for (const auto& arm : summary.arms) arms.push_back(arm_node(arm, summary));
  root.set("arms", std::move(arms));
  write_file(study.folder / "stats.json", root.dump(2) + "\n");
}

}  // namespace lamina::engine
