// lamina leaderboard: the best of all runs, from the index of runs.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/index/leaderboard.hpp"
#include "engine/report/tables.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <cmath>
#include <cstdint>
#include <map>

namespace lamina::cli {
namespace {

const std::map<std::string, engine::LeaderGroup> kGroups{
    {"arm", engine::LeaderGroup::Arm}, {"run", engine::LeaderGroup::Run}, {"study", engine::LeaderGroup::Study}};

engine::LeaderQuery leader_query(const po::variables_map& arguments) {
  engine::LeaderQuery query;
  query.metric = word_of(arguments, "metric");
  query.study = word_of(arguments, "study");
  query.dataset = word_of(arguments, "dataset");
  const std::string group = word_of(arguments, "group");
  if (!kGroups.contains(group)) {
    throw ConfigError(
        text("--group ", group, ": expected arm, run or study", did_you_mean(group, {"arm", "run", "study"})));
  }
  query.group = kGroups.at(group);
  if (!arguments.contains("limit")) return query;
  const auto limit = arguments["limit"].as<int64_t>();
  if (limit < 1) throw ConfigError(text("--limit ", limit, ": expected a number of entries, at least 1"));
  query.limit = static_cast<size_t>(limit);
  return query;
}

ConfigNode entry_node(const engine::LeaderEntry& entry) {
  ConfigNode node = ConfigNode::object();
  node.set("study", entry.study);
  node.set("arm", entry.arm);
  if (!entry.run.empty()) node.set("run", entry.run);
  engine::set_number(node, "mean", entry.mean);
  engine::set_number(node, "sd_seeds", entry.sd);
  node.set("seeds", entry.seeds);
  node.set("runs", entry.runs);
  node.set("cases", entry.cases);
  node.set("undefined", entry.undefined);
  node.set("parameters_trainable", entry.parameters_trainable);
  node.set("parameters_total", entry.parameters_total);
  node.set("train_seconds", entry.train_seconds);
  node.set("uses_ground_truth", entry.uses_ground_truth);
  return node;
}

ConfigNode board_node(const engine::Leaderboard& board) {
  ConfigNode node = ConfigNode::object(), tables = ConfigNode::array();
  for (const auto& table : board.tables) {
    ConfigNode one = ConfigNode::object(), entries = ConfigNode::array();
    for (const auto& entry : table.entries) entries.push_back(entry_node(entry));
    one.set("dataset", table.dataset);
    one.set("test_set", table.test_set);
    one.set("cases", table.cases);
    one.set("left_out", static_cast<int64_t>(table.left_out));
    one.set("entries", std::move(entries));
    tables.push_back(std::move(one));
  }
  node.set("metric", board.metric);
  node.set("unit", board.unit);
  node.set("higher_is_better", board.higher_is_better);
  node.set("tables", std::move(tables));
  node.set("warnings", list_node(board.warnings));
  return node;
}

std::string table_words(const engine::LeaderTable& scored, const engine::MetricInfo& metric) {
  std::vector<std::vector<std::string>> rows{
      {"", "study", "entry", metric.name, "SD", "runs", "cases", "trained", "parameters", "time"}};
  for (const auto& entry : scored.entries) {
    const std::string name = entry.run.empty() ? entry.arm : entry.run;
    rows.push_back({std::to_string(rows.size()), entry.study,
                    name + (entry.uses_ground_truth ? " (uses ground truth)" : ""),
                    engine::metric_text(entry.mean, metric),
                    std::isnan(entry.sd) ? "-" : engine::metric_text(entry.sd, metric), std::to_string(entry.runs),
                    text(entry.cases, entry.undefined ? text(" (", entry.undefined, " undefined)") : ""),
                    engine::short_count(entry.parameters_trainable), engine::short_count(entry.parameters_total),
                    human_seconds(entry.train_seconds)});
  }
  const std::string more = scored.left_out ? text("and ", scored.left_out, " more; --limit shows them\n") : "";
  return text(scored.dataset, ", ", scored.cases, " test cases\n", table(rows), more);
}

std::string board_words(const engine::Leaderboard& board) {
  if (board.tables.empty()) return "no run has been evaluated yet; `lamina ablate` does so\n";
  const engine::MetricInfo metric{board.metric, board.unit, "", board.higher_is_better};
  std::vector<std::string> tables;
  for (const auto& scored : board.tables) tables.push_back(table_words(scored, metric));
  return text(board.metric, ", ", board.higher_is_better ? "higher" : "lower", " is better; SD over seeds\n\n",
              join(tables, "\n"));
}

int leaderboard(const po::variables_map& arguments) {
  const auto query = leader_query(arguments);
  const auto registry = open_registry();
  engine::RunIndex index(runs_folder(arguments), *registry);
  const auto board = engine::leaderboard(index, query);
  for (const auto& warning : board.warnings) log_warning(warning);
  print(arguments, board_node(board), board_words(board));
  return 0;
}

}  // namespace

Verb leaderboard_verb() {
  return {"leaderboard",
          "ranks what was evaluated in all studies, one table for each set of test cases",
          "lamina leaderboard [--metric NAME] [--group arm|run|study] [--study STUDY] [--dataset NAME] [--limit N] "
          "[--runs DIR]",
          "lamina leaderboard --metric hd95 --group run --limit 10",
          [](po::options_description& options, po::positional_options_description&) {
            auto add = options.add_options();
            add("metric", po::value<std::string>()->value_name("NAME")->default_value("dice"),
                "dice, hd95, nsd@2mm, ...: a metric of the studies");
            add("group", po::value<std::string>()->value_name("WHAT")->default_value("arm"),
                "an entry is an arm over its seeds and folds, a run, or the best arm of a study");
            add("study", po::value<std::string>()->value_name("STUDY"), "only this study");
            add("dataset", po::value<std::string>()->value_name("NAME"), "only this dataset");
            add("limit", po::value<int64_t>()->value_name("N"), "only the best N of each table");
            declare_runs(options);
            declare_json(options);
          },
          leaderboard};
}

}  // namespace lamina::cli
