// Pools folds within a seed, then averages over seeds, as the report does.
#include "engine/index/leaderboard.hpp"

#include "engine/evaluate/evaluation.hpp"
#include "engine/index/names.hpp"
#include "engine/statistics/summary.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace lamina::engine {
namespace {

/// One evaluated run. `own`: its folder where it is an entry by itself.
struct ScoredRun {
  std::string study, arm, own, dataset, test_set;
  int64_t seed = 0, cases = 0, undefined = 0, trainable = 0, total = 0;
  double mean = 0, train_seconds = 0;
  bool oracle = false;
};

constexpr const char* kChosen =
    " FROM score WHERE class = 0 AND state = 'done' AND (?1 = '' OR study = ?1) "
    "AND (?2 = '' OR dataset = ?2)";

/// "" when nothing was evaluated yet.
std::string metric_of(const Database& database, const LeaderQuery& query) {
  Statement chosen = database.prepare(text("SELECT DISTINCT metric", kChosen, " ORDER BY metric").c_str());
  chosen.bind(query.study, query.dataset);
  const auto names = words_of(std::move(chosen));
  if (names.empty()) return "";
  const std::string found = metric_named(names, query.metric);
  if (!found.empty()) return found;
  throw ConfigError(text("no run was evaluated with one metric '", query.metric, "'", did_you_mean(query.metric, names),
                         "; there are: ", join(names)));
}

/// Runs that no plan names (an older one did) may have other settings than the arm of their name: they stand alone.
std::vector<ScoredRun> scored_runs(const Database& database, const LeaderQuery& query, const std::string& metric) {
  Statement rows = database.prepare(
      "SELECT run.study, run.arm, CASE WHEN ?4 OR NOT EXISTS(SELECT 1 FROM cell WHERE cell.study = run.study AND "
      "cell.folder = run.folder) THEN run.folder ELSE '' END, run.dataset, run.test_set, run.seed, metric.cases, "
      "metric.undefined, "
      "run.parameters_trainable, run.parameters_total, metric.mean, run.train_seconds, run.uses_ground_truth "
      "FROM metric JOIN run ON run.id = metric.run WHERE class = 0 AND metric = ?1 AND state = 'done' AND "
      "(?2 = '' OR study = ?2) AND (?3 = '' OR dataset = ?3) ORDER BY study, arm, seed, fold, folder");
  rows.bind(metric, query.study, query.dataset, int64_t{query.group == LeaderGroup::Run});
  std::vector<ScoredRun> runs;
  while (rows.step()) {
    runs.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.integer(5),
                    rows.integer(6), rows.integer(7), rows.integer(8), rows.integer(9), rows.number(10),
                    rows.number(11), rows.integer(12) != 0});
  }
  return runs;
}

/// Mean of each seed: its folds count by their cases.
std::vector<double> seed_means_of(const std::vector<ScoredRun>& runs) {
  std::map<int64_t, std::pair<double, double>> sums;  // seed -> sum over cases, cases
  for (const auto& run : runs) {
    if (std::isnan(run.mean)) continue;
    sums[run.seed].first += run.mean * static_cast<double>(run.cases);
    sums[run.seed].second += static_cast<double>(run.cases);
  }
  std::vector<double> means;
  for (const auto& [seed, sum] : sums) means.push_back(sum.first / sum.second);
  return means;
}

LeaderEntry entry_of(const std::vector<ScoredRun>& runs) {
  LeaderEntry entry;
  entry.study = runs.front().study;
  entry.arm = runs.front().arm;
  entry.run = runs.front().own;
  const auto seeds = seed_means_of(runs);
  entry.mean = mean_of(seeds);
  entry.sd = seeds.size() > 1 ? sd_of(seeds) : std::numeric_limits<double>::quiet_NaN();
  entry.runs = std::ssize(runs);
  entry.seeds = std::ssize(seeds);
  for (const auto& run : runs) {
    entry.undefined += run.undefined;
    entry.train_seconds += run.train_seconds / static_cast<double>(runs.size());
    entry.parameters_trainable = run.trainable;
    entry.parameters_total = run.total;
    entry.uses_ground_truth |= run.oracle;
  }
  return entry;
}

/// The test sets that the runs of an entry cover; arms over the same folds have the same ones.
struct TestSets {
  std::map<std::string, int64_t> cases;  // by test set
  void add(const ScoredRun& run) { cases[run.test_set] = run.cases + run.undefined; }
  int64_t total() const {
    int64_t sum = 0;
    for (const auto& [set, count] : cases) sum += count;
    return sum;
  }
  std::string key() const {
    std::vector<std::string> names;
    for (const auto& [set, count] : cases) names.push_back(set);
    return join(names, "+");
  }
};

bool is_better(double a, double b, bool higher) {
  if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  return higher ? a > b : a < b;
}

void arrange(LeaderTable& table, const LeaderQuery& query, bool higher) {
  auto& entries = table.entries;
  std::stable_sort(entries.begin(), entries.end(),
                   [higher](const LeaderEntry& a, const LeaderEntry& b) { return is_better(a.mean, b.mean, higher); });
  if (query.group == LeaderGroup::Study) {
    std::set<std::string> seen;
    std::erase_if(entries, [&](const LeaderEntry& entry) { return !seen.insert(entry.study).second; });
  }
  if (entries.size() <= query.limit) return;
  table.left_out = entries.size() - query.limit;
  entries.resize(query.limit);
}

std::vector<LeaderTable> tables_of(const std::vector<ScoredRun>& runs, const LeaderQuery& query, bool higher) {
  std::map<std::vector<std::string>, std::vector<ScoredRun>> groups;
  for (const auto& run : runs) {
    groups[{run.study, run.arm, run.dataset, run.own}].push_back(run);
  }
  std::map<std::pair<std::string, std::string>, LeaderTable> tables;
  for (const auto& [name, members] : groups) {
    TestSets sets;
    for (const auto& run : members) sets.add(run);
    LeaderTable& table = tables[{members.front().dataset, sets.key()}];
    table.dataset = members.front().dataset;
    table.test_set = sets.key();
    table.cases = sets.total();
    table.entries.push_back(entry_of(members));
    table.entries.back().cases = sets.total();
  }
  std::vector<LeaderTable> sorted;
  for (auto& [key, table] : tables) sorted.push_back(std::move(table));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.entries.size() > b.entries.size(); });
  for (auto& table : sorted) arrange(table, query, higher);
  return sorted;
}

void read_kind(const Database& database, Leaderboard& board) {
  Statement kind = database.prepare("SELECT higher_is_better, unit FROM metric_kind WHERE metric = ?1");
  kind.bind(board.metric);
  if (!kind.step()) {
    throw ConfigError(text("nobody knows whether a high or a low '", board.metric,
                           "' is better: the plugin of that metric was not found; give --plugin-path DIR"));
  }
  board.higher_is_better = kind.integer(0) != 0;
  board.unit = kind.text(1);
}

void add_warnings(const Database& database, const LeaderQuery& query, Leaderboard& board) {
  Statement damaged = database.prepare(
      "SELECT study || '/' || folder FROM run WHERE state = 'damaged' AND (?1 = '' OR study = ?1) ORDER BY 1");
  damaged.bind(query.study);
  const auto names = words_of(std::move(damaged));
  if (!names.empty()) {
    board.warnings.push_back(text(names.size(), names.size() == 1 ? " run is" : " runs are",
                                  " damaged and left out (`lamina status` says why): ", join_first(names, 5)));
  }
  if (board.tables.size() > 1) {
    board.warnings.push_back(text("these are ", board.tables.size(),
                                  " tables, as the runs were tested on different cases: compare within a table only"));
  }
}

}  // namespace

Leaderboard leaderboard(RunIndex& index, const LeaderQuery& query) {
  return index.ask([&](const Database& database) {
    require_known(query.study, words_of(database.prepare("SELECT study FROM study ORDER BY study")), "study");
    require_known(query.dataset,
                  words_of(database.prepare("SELECT DISTINCT dataset FROM run WHERE dataset <> '' ORDER BY dataset")),
                  "dataset");
    Leaderboard board;
    board.metric = metric_of(database, query);
    if (!board.metric.empty()) {
      read_kind(database, board);
      board.tables = tables_of(scored_runs(database, query, board.metric), query, board.higher_is_better);
    }
    add_warnings(database, query, board);
    return board;
  });
}

}  // namespace lamina::engine
