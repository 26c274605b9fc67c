// Plans studies.
#include "engine/ablate/plan.hpp"

#include "engine/ablate/earlier_seeds.hpp"
#include "engine/data/split_overlap.hpp"
#include "engine/encode/encoder_cache.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace lamina::engine {
namespace {

/// Arms mostly share their dataset: it is opened and fingerprinted once.
class Datasets {
 public:
  explicit Datasets(const Registry& registry) : registry_(registry) {}

  struct Known {
    DatasetInfo info;
    std::string fingerprint;
  };

  const Known& of(const Experiment& experiment) {
    const std::string key = experiment.folder().string() + experiment.options().dataset.dump();
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
    const auto dataset = open_dataset(experiment, registry_);
    for (const auto& warning : split_warnings(*dataset)) {
      if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end()) warnings_.push_back(warning);
    }
    return known_[key] = {dataset->info(), dataset->fingerprint()};
  }

  /// Of all splits that were looked at.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  const Registry& registry_;
  std::map<std::string, Known> known_;
  std::vector<std::string> warnings_;
};

PlannedArm plan_arm(const Study& study, const Arm& arm, Datasets& datasets, const Registry& registry) {
  const Experiment experiment = study.experiment(arm, registry);
  const auto model = build_model(experiment, datasets.of(experiment).info, registry);
  return {arm, experiment, {}, count_parameters(*model)};
}

/// Designs may meet an experiment twice, on two ways: the later arm is dropped. Lists are taken at their word.
bool is_twin(const PlannedArm& arm, Datasets& datasets, const Registry& registry,
             std::map<std::string, std::string>& seen, std::vector<DroppedArm>& dropped) {
  const std::string hash = arm.experiment.hashes(registry, datasets.of(arm.experiment).fingerprint).evaluate;
  const auto [twin, first] = seen.emplace(hash, arm.arm.name);
  if (first || !arm.arm.designed) return false;
  dropped.push_back({arm.arm.name, "the same experiment as '" + twin->second + "'"});
  return true;
}

std::vector<PlannedArm> plan_arms(const Study& study, Datasets& datasets, const Registry& registry,
                                  std::vector<DroppedArm>& dropped) {
  std::vector<PlannedArm> arms;
  std::vector<std::string> problems;
  std::map<std::string, std::string> seen;
  for (const auto& arm : study.arms) {
    try {
      PlannedArm planned = plan_arm(study, arm, datasets, registry);
      if (!is_twin(planned, datasets, registry, seen, dropped)) arms.push_back(std::move(planned));
    } catch (const ConfigError& error) {
      problems.push_back("arm '" + arm.name + "': " + error.what());
    }
  }
  if (!problems.empty()) throw ConfigError("the study '" + study.name + "' cannot run:\n" + join(problems, "\n"));
  for (auto& arm : arms) {
    const auto opponent = std::find_if(arms.begin(), arms.end(),
                                       [&](const PlannedArm& other) { return other.arm.name == arm.arm.against; });
    const PlannedArm& other = opponent == arms.end() ? arms.front() : *opponent;
    arm.changes = changed_settings(other.experiment.resolved(), arm.experiment.resolved());
  }
  return arms;
}

bool wanted(const StudyRun& how, const std::string& arm) {
  return how.only.empty() || std::find(how.only.begin(), how.only.end(), arm) != how.only.end();
}

bool is_trained(const RunFolder& folder, const StageHashes& hashes) {
  const RunStatus status = folder.status();
  return status.hashes.train == hashes.train && stages_done(status) > static_cast<size_t>(Stage::Train);
}

struct CellsSeen {
  std::map<std::string, std::string> arms;  // evaluate hash -> arm
  std::set<std::string> trained;            // train hashes
};

void plan_cell(const Study& study, const StudyRun& how, Cell cell, Experiment experiment, CellsSeen& seen, Plan& plan) {
  cell.run = run_path(plan.folder, cell.arm, cell.seed, cell.hashes);
  const StageHashes& hashes = cell.hashes;
  const auto [twin, first] = seen.arms.emplace(hashes.evaluate, cell.arm);
  if (!first && cell.seed == study.seeds.front() && cell.fold == study.repeats().front()) {
    plan.warnings.push_back(text("arms '", twin->second, "' and '", cell.arm, "' are the same experiment"));
  }
  const RunFolder folder(cell.run);
  const bool done = is_done(folder, hashes), chosen = wanted(how, cell.arm);
  const bool trains = !done && !is_trained(folder, hashes) && !seen.trained.contains(hashes.train);
  if (chosen) seen.trained.insert(hashes.train);
  plan.cells.push_back({std::move(cell), std::move(experiment), chosen, done, trains});
}

void plan_cells(const Study& study, const StudyRun& how, Datasets& datasets, const Registry& registry, Plan& plan) {
  CellsSeen seen;
  for (const auto& fold : study.repeats()) {
    for (const int64_t seed : study.seeds) {
      for (const auto& planned : plan.arms) {
        const Arm& arm = planned.arm;
        const auto& folds = arm.folds;
        if (fold && !folds.empty() && std::find(folds.begin(), folds.end(), *fold) == folds.end()) continue;
        Experiment experiment = study.experiment(arm, seed, registry, fold);
        StageHashes hashes = experiment.hashes(registry, datasets.of(experiment).fingerprint);
        plan_cell(study, how, {arm.name, seed, fold, {}, std::move(hashes)}, std::move(experiment), seen, plan);
      }
    }
  }
  if (!study.max_runs || std::ssize(plan.cells) <= *study.max_runs) return;
  throw ConfigError(text("the study '", study.name, "' plans ", plan.cells.size(), " runs, and budget.max_runs is ",
                         *study.max_runs, "; fewer levels, seeds or folds, or a design of fewer arms would fit"));
}

/// A run that may be stopped waits for all those it is compared with, so that the outcome does not depend on who was
/// faster.
void add_order(Plan& plan) {
  std::vector<Cell> cells;
  for (const auto& planned : plan.cells) cells.push_back(planned.cell);
  bool stops = false, compares = false;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!plan.cells[i].experiment.options().train.stop.active()) continue;
    plan.cells[i].after = earlier_seeds(cells, i);
    stops = true;
    compares |= !plan.cells[i].after.empty();
  }
  if (stops && !compares)
    plan.warnings.push_back("budget.stop compares a run with those of earlier seeds; with one seed it stops none");
}

/// Arms are compared fairly only when they may spend the same.
void add_budget_warnings(Plan& plan) {
  static const std::set<std::string> budget{"train.epochs", "train.iterations", "train.batch", "train.accumulate"};
  for (const auto& arm : plan.arms) {
    for (const auto& change : arm.changes) {
      if (!budget.contains(change.path)) continue;
      plan.warnings.push_back(text("arm '", arm.arm.name, "' has another budget: ", change.path, " is ", change.right,
                                   ", the baseline's ", change.left));
    }
  }
}

ConfigNode changes_to_node(const std::vector<Difference>& changes) {
  ConfigNode list = ConfigNode::array();
  for (const auto& change : changes) {
    ConfigNode entry = ConfigNode::object();
    entry.set("path", change.path);
    entry.set("baseline", change.left);
    entry.set("arm", change.right);
    list.push_back(std::move(entry));
  }
  return list;
}

ConfigNode arm_to_node(const PlannedArm& arm) {
  ConfigNode node = ConfigNode::object();
  node.set("name", arm.arm.name);
  node.set("description", arm.arm.description);
  if (!arm.arm.against.empty()) node.set("against", arm.arm.against);
  node.set("origin", std::filesystem::absolute(arm.experiment.folder()).string());
  node.set("experiment", arm.experiment.resolved());
  node.set("changes", changes_to_node(arm.changes));
  for (const auto& count : arm.parameters) {
    if (count.room != "total") continue;
    node.set("parameters_trainable", count.trainable);
    node.set("parameters_total", count.total);
  }
  return node;
}

ConfigNode cell_to_node(const Cell& cell) {
  ConfigNode node = ConfigNode::object(), hashes = ConfigNode::object();
  hashes.set("prepare", cell.hashes.prepare);
  hashes.set("train", cell.hashes.train);
  hashes.set("infer", cell.hashes.infer);
  hashes.set("evaluate", cell.hashes.evaluate);
  node.set("arm", cell.arm);
  node.set("seed", cell.seed);
  if (cell.fold) node.set("fold", *cell.fold);
  node.set("run", cell.run.filename().string());
  node.set("hashes", std::move(hashes));
  return node;
}

}  // namespace

std::shared_ptr<Dataset> open_dataset(const Experiment& experiment, const Registry& registry) {
  return registry.create<Dataset>(experiment.options().dataset, "dataset", DatasetContext{experiment.folder()});
}

std::shared_ptr<Model> build_model(const Experiment& experiment, const DatasetInfo& dataset, const Registry& registry) {
  const ModelSetup setup{static_cast<int64_t>(dataset.channels.size()), static_cast<int64_t>(dataset.classes.size()),
                         experiment.patch()};
  auto model = Model::build(registry, experiment.resolved().at("model"), setup);
  set_trainable(*model, experiment.options().train.trainable);
  require_encoder_cache(experiment, *model);
  return model;
}

std::filesystem::path run_path(const std::filesystem::path& study_folder, const std::string& arm, int64_t seed,
                               const StageHashes& hashes) {
  return study_folder / text(arm, "-s", seed, "-", hashes.train.substr(0, 8));
}

size_t stages_done(const RunStatus& status) {
  static const std::vector<std::string> stages{"prepare", "train", "infer", "evaluate"};
  const auto stage = std::find(stages.begin(), stages.end(), status.stage);
  if (stage == stages.end()) return 0;
  return static_cast<size_t>(stage - stages.begin()) + (status.state == "done" ? 1 : 0);
}

bool is_done(const RunFolder& folder, const StageHashes& hashes) {
  const RunStatus status = folder.status();
  return stages_done(status) == 4 && status.hashes.evaluate == hashes.evaluate &&
         std::filesystem::exists(folder.metrics()) && std::filesystem::exists(folder.summary());
}

Plan make_plan(const Study& study, const StudyRun& how, const Registry& registry) {
  for (const auto& name : how.only) study.arm(name);
  Plan plan;
  plan.folder = how.runs_root / study.name;
  Datasets datasets(registry);
  plan.dropped = study.dropped;
  plan.arms = plan_arms(study, datasets, registry, plan.dropped);
  plan_cells(study, how, datasets, registry, plan);
  add_order(plan);
  plan.warnings.insert(plan.warnings.end(), datasets.warnings().begin(), datasets.warnings().end());
  add_budget_warnings(plan);
  return plan;
}

PlanCounts count_work(const Plan& plan) {
  PlanCounts counts;
  for (const auto& cell : plan.cells) {
    if (!cell.chosen || cell.done) continue;
    ++counts.inferences;
    ++(cell.trains ? counts.trainings : counts.shared);
  }
  return counts;
}

ConfigNode plan_to_node(const Study& study, const Plan& plan) {
  ConfigNode node = ConfigNode::object();
  node.set("schema", int64_t{1});
  node.set("name", study.name);
  node.set("description", study.description);
  node.set("baseline", study.baseline);
  node.set("compare", dump_options(study.compare));
  ConfigNode seeds = ConfigNode::array(), arms = ConfigNode::array(), cells = ConfigNode::array(),
             warnings = ConfigNode::array(), folds = ConfigNode::array();
  for (const int64_t seed : study.seeds) seeds.push_back(ConfigNode::parse(std::to_string(seed)));
  for (const int64_t fold : study.folds) folds.push_back(ConfigNode::parse(std::to_string(fold)));
  for (const auto& arm : plan.arms) arms.push_back(arm_to_node(arm));
  for (const auto& planned : plan.cells) cells.push_back(cell_to_node(planned.cell));
  for (const auto& warning : plan.warnings) {
    ConfigNode entry = ConfigNode::object();
    entry.set("text", warning);
    warnings.push_back(std::move(entry));
  }
  node.set("seeds", std::move(seeds));
  node.set("folds", std::move(folds));
  node.set("dropped", dropped_node(plan.dropped));
  node.set("arms", std::move(arms));
  node.set("cells", std::move(cells));
  node.set("warnings", std::move(warnings));
  return node;
}

}  // namespace lamina::engine
