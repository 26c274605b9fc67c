// What a study will do, known before anything runs: cells, shared stages, what is done already.
#pragma once

#include "engine/ablate/study.hpp"
#include "engine/experiment/inspect.hpp"

#include <lamina/data/dataset.hpp>
#include <lamina/model/model.hpp>
#include <lamina/model/trainable.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lamina::engine {

struct PlannedArm {
  Arm arm;
  Experiment experiment;            // with the first seed
  std::vector<Difference> changes;  // against the arm it is compared with
  std::vector<ParameterCount> parameters;
};

struct PlannedCell {
  Cell cell;
  Experiment experiment;
  bool chosen = true;           // false: left out by --only
  bool done = false;            // nothing to do
  bool trains = true;           // false: trained already, or another cell trains the same
  std::vector<size_t> after{};  // cells that must have ended before this one starts
};

struct Plan {
  std::vector<PlannedArm> arms;
  std::vector<PlannedCell> cells;     // seeds outside, arms inside: partial results are paired
  std::vector<std::string> warnings;  // "arms 'a' and 'b' are the same experiment"
  std::vector<DroppedArm> dropped;    // what the design leaves out, and why
  std::filesystem::path folder;       // runs_root/<study>
};

/// What is left to do, of the arms chosen.
struct PlanCounts {
  int64_t trainings = 0, inferences = 0, shared = 0;  // shared: runs that take another run's training
};
PlanCounts count_work(const Plan& plan);

/// Resolves every arm, builds every model once (so that an impossible arm is refused before hours are spent) and
/// hashes. One ConfigError with the problems of all arms.
Plan make_plan(const Study& study, const StudyRun& how, const Registry& registry);
ConfigNode plan_to_node(const Study& study, const Plan& plan);

/// The experiment's dataset.
std::shared_ptr<Dataset> open_dataset(const Experiment& experiment, const Registry& registry);
/// The experiment's model with its trainable parameters set.
std::shared_ptr<Model> build_model(const Experiment& experiment, const DatasetInfo& dataset, const Registry& registry);
/// runs_root/<study>/<arm>-s<seed>-<hash8>
std::filesystem::path run_path(const std::filesystem::path& study_folder, const std::string& arm, int64_t seed,
                               const StageHashes& hashes);
/// How many stages the run has finished.
size_t stages_done(const RunStatus& status);
/// Everything is there and of these hashes.
bool is_done(const RunFolder& folder, const StageHashes& hashes);

}  // namespace lamina::engine
