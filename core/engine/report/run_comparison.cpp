// Makes a study of run folders, of the cases that all of them tested.
#include "engine/report/run_comparison.hpp"

#include "engine/experiment/inspect.hpp"
#include "engine/report/metric_info.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <set>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

void require_two_different(const std::vector<fs::path>& folders) {
  if (folders.size() < 2) throw ConfigError("one run cannot be compared; give two run folders or more");
  for (size_t i = 0; i < folders.size(); ++i) {
    if (!fs::is_directory(folders[i])) throw ConfigError(text(folders[i].string(), ": there is no such run folder"));
    for (size_t k = 0; k < i; ++k) {
      if (fs::equivalent(folders[i], folders[k]))
        throw ConfigError(text(folders[i].string(), " is named twice; a run cannot be compared with itself"));
    }
  }
}

ConfigNode experiment_of(const RunFolder& folder) {
  if (!fs::exists(folder.experiment())) {
    throw DataError(text(folder.path().string(), " is no run's folder: it has no experiment.resolved.json"));
  }
  try {
    return ConfigNode::parse(read_file(folder.experiment()), folder.experiment().string());
  } catch (const ConfigError& error) {
    throw DataError(text(folder.experiment().string(), " is damaged: ", error.what()));
  }
}

ArmData arm_of(const fs::path& path) {
  const RunFolder folder(path);
  ArmData arm;
  arm.name = fs::canonical(path).filename().string();
  arm.origin = path;
  arm.experiment = experiment_of(folder);
  RunData run{arm.experiment.at("seed").as_integer(), {}, folder, {}, {}, {}, ""};
  read_results(run);
  if (run.rows.empty()) {
    throw DataError(text(path.string(), " has no scores to compare: its state is '", run.status.state,
                         "'; `lamina ablate` predicts and evaluates what `lamina train` has trained"));
  }
  arm.runs.push_back(std::move(run));
  return arm;
}

/// What a study says of its runs: their arms' names, and how it compares them.
void take_plan(StudyData& study) {
  const fs::path folder = fs::canonical(study.arms.front().origin).parent_path();
  const bool together = std::all_of(study.arms.begin(), study.arms.end(), [&](const ArmData& arm) {
    return fs::canonical(arm.origin).parent_path() == folder;
  });
  if (!together || !fs::exists(folder / "plan.json")) return;
  const StudyData plan = read_study_plan(folder);
  study.compare = plan.compare;
  std::map<std::string, std::string> arms;  // run -> arm
  for (const auto& arm : plan.arms) {
    for (const auto& run : arm.runs) arms[run.folder.path().filename().string()] = arm.name;
  }
  std::set<std::string> names;
  for (const auto& arm : study.arms) {
    if (!arms.contains(arm.name) || !names.insert(arms[arm.name]).second)
      return;  // runs of one arm keep their own names
  }
  for (auto& arm : study.arms) arm.name = arms[arm.name];
}

/// Folders of two studies may have one name; then each is called as it was given.
void tell_apart(StudyData& study) {
  std::set<std::string> names;
  for (const auto& arm : study.arms) names.insert(arm.name);
  if (names.size() == study.arms.size()) return;
  for (auto& arm : study.arms) arm.name = arm.origin.string();
}

/// Runs of different seeds are paired by case alone.
void share_seed(RunComparison& made) {
  std::set<int64_t> seeds;
  for (const auto& arm : made.study.arms) seeds.insert(arm.runs.front().seed);
  if (seeds.size() > 1) {
    made.warnings.emplace_back("the runs have different seeds: a difference may be the seed's");
    for (auto& arm : made.study.arms) arm.runs.front().seed = 0;
  }
  made.study.seeds = {made.study.arms.front().runs.front().seed};
}

/// case -> what its reference looks like, class by class.
std::map<std::string, std::set<std::string>> references_of_cases(const RunData& run) {
  std::map<std::string, std::set<std::string>> facts;
  for (const auto& row : run.rows)
    facts[row.case_id].insert(text(row.class_id, ' ', row.counts.reference, ' ', row.counts.voxels));
  return facts;
}

std::vector<std::string> metrics_of_rows(const RunData& run) {
  std::set<std::string> names;
  for (const auto& row : run.rows) names.insert(row.metric);
  return {names.begin(), names.end()};
}

void keep_common_cases(RunComparison& made) {
  auto& arms = made.study.arms;
  auto common = references_of_cases(arms.front().runs.front());
  std::set<std::string> all, renamed;
  for (const auto& arm : arms) {
    const auto own = references_of_cases(arm.runs.front());
    for (const auto& [id, facts] : own) all.insert(id);
    for (const auto& [id, facts] : common) {
      if (own.contains(id) && own.at(id) != facts) renamed.insert(id);
    }
    std::erase_if(common, [&](const auto& one) { return !own.contains(one.first) || own.at(one.first) != one.second; });
  }
  if (!renamed.empty()) {
    made.warnings.push_back(text(renamed.size(), renamed.size() == 1 ? " case has" : " cases have",
                                 " one name and different references or classes, and count as different cases: ",
                                 join_first({renamed.begin(), renamed.end()}, 5)));
  }
  made.cases = std::ssize(common);
  std::erase_if(all, [&](const std::string& id) { return common.contains(id); });
  made.dropped.assign(all.begin(), all.end());
  if (common.empty()) {
    throw DataError("the runs have no test case in common, so nothing can be compared" +
                    (made.warnings.empty() ? std::string() : ": " + made.warnings.back()));
  }
  if (!made.dropped.empty()) {
    made.warnings.push_back(text("the runs were tested on different cases: ", made.cases, " are common, ",
                                 made.dropped.size(), " dropped: ", join_first(made.dropped, 5)));
  }
  for (auto& arm : arms) {
    std::erase_if(arm.runs.front().rows, [&](const MetricRow& row) { return !common.contains(row.case_id); });
  }
}

EvaluateSection evaluate_section(const ArmData& arm) {
  EvaluateSection section;
  OptionErrors errors;
  parse_options(section, arm.experiment.at("evaluate"), "evaluate", errors);
  errors.throw_if_any(text(arm.origin.string(), "/experiment.resolved.json is wrong"));
  return section;
}

/// Those that every run was evaluated with.
std::vector<MetricInfo> common_metrics(RunComparison& made, const Registry& registry) {
  const auto& arms = made.study.arms;
  const EvaluateSection section = evaluate_section(arms.front());
  auto infos = metric_infos(section, info_from_scores(made.study), registry);
  for (const auto& arm : arms) {
    const auto names = metrics_of_rows(arm.runs.front());
    std::erase_if(
        infos, [&](const MetricInfo& info) { return std::find(names.begin(), names.end(), info.name) == names.end(); });
    if (evaluate_section(arm).empty != section.empty)
      made.warnings.push_back(text(arm.name, " treats empty masks by another rule (evaluate.empty) than ",
                                   arms.front().name, ": where a mask is empty, the scores differ by that alone"));
  }
  if (infos.empty()) throw DataError("the runs have no metric in common, so nothing can be compared");
  return infos;
}

void find_changes(StudyData& study) {
  for (auto& arm : study.arms) {
    for (const auto& one : changed_settings(study.arms.front().experiment, arm.experiment))
      arm.changes.push_back({one.path, one.left, one.right});
  }
}

}  // namespace

RunComparison compare_runs(const std::vector<fs::path>& folders, const Registry& registry) {
  require_two_different(folders);
  RunComparison made;
  for (const auto& folder : folders) made.study.arms.push_back(arm_of(folder));
  take_plan(made.study);
  tell_apart(made.study);
  made.study.baseline = made.study.arms.front().name;
  share_seed(made);
  keep_common_cases(made);
  find_changes(made.study);
  auto metrics = common_metrics(made, registry);
  made.summary = summarise(made.study, std::move(metrics));
  return made;
}

}  // namespace lamina::engine
