// summary.json in the shape of nnU-Net: scripts that read the one read the other.
#include "engine/statistics/summary.hpp"
#include "engine/evaluate/evaluation.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/options/config_node.hpp>

#include <cmath>
#include <limits>

namespace lamina::engine {
namespace {

using Values = std::map<std::string, double>;  // metric -> value
using ByClass = std::map<int64_t, Values>;     // class -> values
using Columns = std::map<std::string, std::vector<double>>;

double ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// What nnU-Net reports of one class in one case.
Values counted(const Counts& counts) {
  const int64_t found = counts.both, invented = counts.predicted - found, missed = counts.reference - found;
  Values values{{"Dice", ratio(2 * found, 2 * found + invented + missed)},
                {"IoU", ratio(found, found + invented + missed)}};
  values["TP"] = static_cast<double>(found);
  values["FP"] = static_cast<double>(invented);
  values["FN"] = static_cast<double>(missed);
  values["TN"] = static_cast<double>(counts.voxels - found - invented - missed);
  values["n_pred"] = static_cast<double>(counts.predicted);
  values["n_ref"] = static_cast<double>(counts.reference);
  return values;
}

std::map<std::string, ByClass> by_case(const std::vector<MetricRow>& rows) {
  std::map<std::string, ByClass> cases;
  for (const auto& row : rows) {
    Values& values = cases[row.case_id][row.class_id];
    if (values.empty()) values = counted(row.counts);
    if (row.metric != "dice" && row.metric != "iou") values[row.metric] = row.value;
  }
  return cases;
}

/// Means of columns; undefined values are skipped, or make the mean undefined.
Values means(const Columns& columns, bool skip_undefined) {
  Values result;
  for (const auto& [name, column] : columns) {
    std::vector<double> kept;
    for (const double value : column) {
      if (!skip_undefined || !std::isnan(value)) kept.push_back(value);
    }
    result[name] = mean_of(kept);
  }
  return result;
}

ByClass class_means(const std::map<std::string, ByClass>& cases) {
  std::map<int64_t, Columns> columns;
  for (const auto& [id, classes] : cases) {
    for (const auto& [class_id, values] : classes) {
      for (const auto& [name, value] : values) columns[class_id][name].push_back(value);
    }
  }
  ByClass result;
  for (const auto& [class_id, values] : columns) result[class_id] = means(values, true);
  return result;
}

Values foreground_mean(const ByClass& classes) {
  Columns columns;
  for (const auto& [class_id, values] : classes) {
    for (const auto& [name, value] : values) columns[name].push_back(value);
  }
  return means(columns, false);
}

ConfigNode node_of(const Values& values) {
  ConfigNode node = ConfigNode::object();
  for (const auto& [name, value] : values) {
    if (std::isfinite(value)) {
      node.set(name, value);
    } else {
      node.set(name, ConfigNode());
    }
  }
  return node;
}

ConfigNode node_of(const ByClass& classes) {
  ConfigNode node = ConfigNode::object();
  for (const auto& [class_id, values] : classes) node.set(std::to_string(class_id), node_of(values));
  return node;
}

ConfigNode case_node(const std::string& id, const ByClass& classes, const std::map<std::string, ScoredFiles>& files) {
  const auto known = files.find(id);
  const auto name_of = [&](std::filesystem::path ScoredFiles::*side) {
    return known == files.end() || (known->second.*side).empty() ? id : (known->second.*side).string();
  };
  ConfigNode node = ConfigNode::object();
  node.set("metrics", node_of(classes));
  node.set("prediction_file", name_of(&ScoredFiles::prediction));
  node.set("reference_file", name_of(&ScoredFiles::reference));
  return node;
}

}  // namespace

void write_summary(const std::filesystem::path& file, const std::vector<MetricRow>& rows,
                   const std::map<std::string, ScoredFiles>& files) {
  const auto cases = by_case(rows);
  const ByClass classes = class_means(cases);
  ConfigNode each = ConfigNode::array();
  for (const auto& [id, values] : cases) each.push_back(case_node(id, values, files));
  ConfigNode summary = ConfigNode::object();
  summary.set("foreground_mean", node_of(foreground_mean(classes)));
  summary.set("mean", node_of(classes));
  summary.set("metric_per_case", std::move(each));
  write_file(file, summary.dump(4) + "\n");
}

}  // namespace lamina::engine
