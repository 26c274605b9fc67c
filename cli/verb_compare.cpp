// lamina compare: run folders against the first of them, case by case.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/report/run_comparison.hpp"
#include "engine/report/tables.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <cmath>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

/// Paths as they are, or STUDY/RUN under --runs.
std::vector<fs::path> run_folders(const po::variables_map& arguments) {
  std::vector<fs::path> folders;
  for (const auto& word : words_of(arguments, "run")) {
    const fs::path below = runs_folder(arguments) / word;
    folders.push_back(!fs::is_directory(word) && fs::is_directory(below) ? below : fs::path(word));
  }
  return folders;
}

ConfigNode changes_node(const engine::ArmData& arm) {
  ConfigNode list = ConfigNode::array();
  for (const auto& change : arm.changes) {
    ConfigNode entry = ConfigNode::object();
    entry.set("path", change.path);
    entry.set("reference", change.baseline);
    entry.set("run", change.arm);
    list.push_back(std::move(entry));
  }
  return list;
}

ConfigNode comparison_node(const engine::RunComparison& made) {
  ConfigNode node = ConfigNode::object(), runs = ConfigNode::array();
  for (const auto& arm : made.summary.arms) {
    ConfigNode one = engine::arm_node(arm, made.summary, made.study.compare.alpha);
    one.set("folder", arm.arm->origin.string());
    one.set("changes", changes_node(*arm.arm));
    runs.push_back(std::move(one));
  }
  node.set("reference", made.study.baseline);
  node.set("primary", made.summary.primary().name);
  node.set("unit", made.summary.unit);
  node.set("cases", made.cases);
  node.set("dropped", list_node(made.dropped));
  node.set("warnings", list_node(made.warnings));
  node.set("compare", dump_options(made.study.compare));
  node.set("runs", std::move(runs));
  return node;
}

std::vector<std::string> difference_row(const engine::ArmSummary& arm, const engine::MetricInfo& metric) {
  const auto& found = arm.metrics.at(metric.name);
  std::vector<std::string> row{"  " + arm.arm->name, engine::metric_text(found.mean, metric)};
  if (!found.difference) return row;
  const auto& pair = *found.difference;
  const bool known = std::isfinite(pair.difference.mean), sure = std::isfinite(pair.interval.low);
  row.push_back(known ? engine::metric_text(pair.difference.mean, metric, true) : "-");
  row.push_back(sure ? text(engine::metric_text(pair.interval.low, metric, true), " to ",
                            engine::metric_text(pair.interval.high, metric, true))
                     : "-");
  row.push_back(std::isfinite(pair.p_corrected) ? engine::p_text(pair.p_corrected) : "-");
  row.push_back(std::to_string(pair.difference.units));
  row.push_back(engine::verdict_word(pair.verdict));
  return row;
}

std::string scores_words(const engine::RunComparison& made) {
  std::string words;
  const std::string interval = text(std::lround((1 - made.study.compare.alpha) * 100), " % interval");
  for (const auto& metric : made.summary.metrics) {
    std::vector<std::vector<std::string>> rows{{"  ", "mean", "difference", interval, "p", "pairs", "verdict"}};
    for (const auto& arm : made.summary.arms) rows.push_back(difference_row(arm, metric));
    words += text("\n", metric.name, ", ", metric.higher_is_better ? "higher" : "lower", " is better\n", table(rows));
  }
  return words;
}

std::string settings_words(const engine::RunComparison& made) {
  std::string words;
  for (const auto& arm : made.study.arms) {
    if (arm.name == made.study.baseline) continue;
    std::vector<std::vector<std::string>> rows{{"  path", made.study.baseline, arm.name}};
    for (const auto& change : arm.changes) {
      rows.push_back(
          {"  " + change.path, change.baseline.empty() ? "-" : change.baseline, change.arm.empty() ? "-" : change.arm});
    }
    words += arm.changes.empty() ? text("\n", arm.name, " has the settings of ", made.study.baseline, "\n")
                                 : text("\nsettings of ", arm.name, " that differ\n", table(rows));
  }
  return words;
}

std::string cost_words(const engine::RunComparison& made) {
  std::vector<std::vector<std::string>> rows{{"  ", "trained", "parameters", "training", "a case", "memory"}};
  for (const auto& arm : made.summary.arms) {
    rows.push_back({"  " + arm.arm->name, engine::short_count(arm.trainable), engine::short_count(arm.total),
                    human_seconds(arm.train_seconds), human_seconds(arm.seconds_per_case),
                    human_bytes(arm.peak_memory)});
  }
  return "\ncost\n" + table(rows);
}

int compare(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto made = engine::compare_runs(run_folders(arguments), *registry);
  for (const auto& warning : made.warnings) log_warning(warning);
  const std::string head =
      text("against ", made.study.baseline, ", over ", made.cases, " test cases that all runs have",
           made.dropped.empty() ? "" : text(" (", made.dropped.size(), " dropped)"), "\n");
  print(arguments, comparison_node(made), head + scores_words(made) + settings_words(made) + cost_words(made));
  return 0;
}

}  // namespace

Verb compare_verb() {
  return {"compare",
          "compares run folders with the first of them: scores by case, settings, cost",
          "lamina compare RUN RUN [RUN ...] [--runs DIR]",
          "lamina compare phantom_unet/baseline-s1-0a1b2c3d phantom_unet/residual-s1-4e5f6a7b",
          [](po::options_description& options, po::positional_options_description& positional) {
            options.add_options()("run", po::value<std::vector<std::string>>()->required(),
                                  "run folders, or STUDY/RUN under --runs; the first is the reference");
            declare_runs(options);
            declare_json(options);
            positional.add("run", -1);
          },
          compare};
}

}  // namespace lamina::cli
