// Reads plan.json and the run folders it names.
#include "engine/report/study_data.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

std::vector<ConfigNode> items_of(const ConfigNode& node, const std::string& key) {
  std::vector<ConfigNode> items;
  const ConfigNode list = node.at(key);
  for (size_t i = 0; i < list.size(); ++i) items.push_back(list.at(i));
  return items;
}

ArmData read_arm(const ConfigNode& node) {
  ArmData arm;
  arm.name = node.at("name").as_text();
  arm.description = node.text_or("description", "");
  arm.against = node.text_or("against", "");
  arm.origin = node.text_or("origin", ".");
  arm.experiment = node.at("experiment");
  for (const auto& change : items_of(node, "changes")) {
    arm.changes.push_back({change.at("path").as_text(), change.text_or("baseline", ""), change.text_or("arm", "")});
  }
  return arm;
}

RunData planned_run(const ConfigNode& cell, const fs::path& study) {
  std::optional<int64_t> fold;
  if (cell.contains("fold")) fold = cell.at("fold").as_integer();
  return {cell.at("seed").as_integer(),
          fold,
          RunFolder(study / cell.at("run").as_text()),
          {},
          {},
          {},
          cell.at("hashes").at("evaluate").as_text()};
}

CompareSection read_compare(const ConfigNode& node) {
  CompareSection compare;
  OptionErrors errors;
  parse_options(compare, node, "compare", errors);
  errors.throw_if_any("plan.json is wrong");
  return compare;
}

StudyData read_plan(const fs::path& folder) {
  const ConfigNode plan = ConfigNode::parse(read_file(folder / "plan.json"), (folder / "plan.json").string());
  StudyData study;
  study.name = plan.at("name").as_text();
  study.description = plan.text_or("description", "");
  study.baseline = plan.at("baseline").as_text();
  study.folder = folder;
  study.compare = read_compare(plan.at("compare"));
  for (const auto& seed : items_of(plan, "seeds")) study.seeds.push_back(seed.as_integer());
  for (const auto& warning : items_of(plan, "warnings")) study.warnings.push_back(warning.text_or("text", ""));
  if (plan.contains("dropped")) {
    for (const auto& one : items_of(plan, "dropped"))
      study.dropped.push_back({one.text_or("name", ""), one.text_or("reason", "")});
  }
  for (const auto& arm : items_of(plan, "arms")) study.arms.push_back(read_arm(arm));
  for (const auto& cell : items_of(plan, "cells")) {
    for (auto& arm : study.arms) {
      if (arm.name == cell.at("arm").as_text()) arm.runs.push_back(planned_run(cell, folder));
    }
  }
  return study;
}

}  // namespace

std::vector<const RunData*> ArmData::done() const {
  std::vector<const RunData*> finished;
  for (const auto& run : runs) {
    if (run.status.state == "done") finished.push_back(&run);
  }
  return finished;
}

bool ArmData::stopped_early() const {
  const auto finished = done();
  return std::any_of(finished.begin(), finished.end(),
                     [](const RunData* run) { return !run->status.stopped_early.empty(); });
}

void read_results(RunData& run) {
  run.status = run.folder.status();
  const bool evaluated = run.status.stage == "evaluate";
  // A run of an older plan under the same name is not this cell's result.
  const bool current = run.planned.empty() || (evaluated && run.status.hashes.evaluate == run.planned);
  if (run.status.state == "done" && !current) run.status.state = "queued";
  if (run.status.state == "done" && evaluated) run.rows = read_metrics_csv(run.folder.metrics());
  if (fs::exists(run.folder.curves())) run.curves = read_number_columns(run.folder.curves());
}

StudyData read_study_plan(const fs::path& folder) {
  if (!fs::exists(folder / "plan.json")) {
    throw DataError(
        text(folder.string(), " is no study's folder: it has no plan.json; `lamina ablate STUDY` makes one"));
  }
  try {
    return read_plan(folder);
  } catch (const ConfigError& error) {
    throw DataError(
        text((folder / "plan.json").string(), " is damaged: ", error.what(), "; `lamina ablate` writes it anew"));
  }
}

StudyData read_study_folder(const fs::path& folder) {
  StudyData study = read_study_plan(folder);
  for (auto& arm : study.arms) {
    for (auto& run : arm.runs) read_results(run);
  }
  return study;
}

}  // namespace lamina::engine
