// A study: a baseline, arms that differ from it by overrides, seeds; one run folder per (arm, seed).
#pragma once

#include "engine/ablate/design.hpp"
#include "engine/experiment/experiment.hpp"
#include "engine/run/run_folder.hpp"
#include "engine/statistics/verdict.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

struct Arm {
  std::string name, description;
  std::vector<Override> overrides;  // on top of the baseline
  std::string experiment;           // another experiment instead of the baseline; "" = the baseline
  std::string against;              // the arm it is compared with; "" = the study's baseline
  std::vector<int64_t> folds;       // where its conditions hold; empty: in all
  bool designed = false;            // by axes; an equal experiment is left out instead of run twice
};

/// How arms are compared with the baseline.
struct CompareSection {
  std::string primary = "dice", unit = "group", ci = "t", test = "t", correction = "holm";
  std::vector<std::string> secondary;
  int64_t draws = 10000;
  std::optional<int64_t> b;  // the short name of draws
  double alpha = 0.05, rope = 0;
  void bind(OptionBinder& o);
  CompareRules rules() const;
};

/// What every arm is run with again.
struct RepeatsSection {
  std::vector<int64_t> seeds, folds;
  void bind(OptionBinder& o);
};

struct BudgetSection {
  std::optional<int64_t> max_runs, epochs;
  StopSection stop;
  void bind(OptionBinder& o);
};

/// The vocabulary of a study file.
struct StudyOptions {
  int64_t schema = 1;
  std::string name, description, baseline_name = "baseline";
  ConfigNode baseline, set, arms, axes;
  DesignSection design;
  std::vector<std::string> constraints;
  std::vector<int64_t> seeds{1};
  RepeatsSection repeats;
  BudgetSection budget;
  CompareSection compare;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

struct Study {
  std::string name, description;
  std::filesystem::path folder;          // of the file
  std::string baseline;                  // name of the baseline arm (the first)
  std::vector<Arm> arms;                 // the baseline first
  std::vector<int64_t> seeds{1}, folds;  // no folds: the experiment's own split
  std::vector<DroppedArm> dropped;       // what the design left out, and why
  std::optional<int64_t> max_runs;
  CompareSection compare;
  std::vector<Override> everywhere;  // from the command line: last word in every arm
  ConfigNode baseline_node;          // inline baseline; null when the baseline is a file
  std::string baseline_file;

  /// A study file, or a plain experiment as a study of one arm. `overrides` apply to every arm. Every problem of every
  /// arm in one ConfigError.
  static Study load(const std::string& what, const std::vector<Override>& overrides, const Registry& registry);
  Experiment experiment(const Arm& arm, int64_t seed, const Registry& registry, std::optional<int64_t> fold = {}) const;
  /// With the first seed, in the first fold that the arm has.
  Experiment experiment(const Arm& arm, const Registry& registry) const;
  /// The folds, or one that stands for the experiment's own split.
  std::vector<std::optional<int64_t>> repeats() const;
  const Arm& arm(const std::string& name) const;  ///< ConfigError with the nearest name
};

/// Whether a file's content is a study and not an experiment.
bool says_study(const ConfigNode& root);
/// The vocabulary of an entry of "arms".
std::vector<OptionDoc> arm_options();

/// One (arm, seed, fold): its experiment, hashes and folder.
struct Cell {
  std::string arm;
  int64_t seed = 0;
  std::optional<int64_t> fold;
  std::filesystem::path run;
  StageHashes hashes;
};

struct StudyResult {
  std::vector<Cell> cells;
  std::vector<std::string> failures;  // "arm s1: reason"
  std::filesystem::path folder, report;
};

/// One cell to run.
struct CellOrder {
  const Experiment& experiment;
  const RunFolder& folder;
  const std::filesystem::path& cache;
  int64_t threads = 0;     // 0: as the experiment says
  std::string line_start;  // before each of its lines, where several runs talk at once
  bool probe = false;      // measures what it would cost instead; the result lies in probe_file(folder)
};

/// Runs one cell to its end; throws lamina::Error when it failed.
using CellRunner = std::function<void(const CellOrder&)>;

struct StudyRun {
  std::filesystem::path runs_root = "runs";
  std::vector<std::string> only;  // names of arms; empty: all
  CellRunner runner;              // empty: run_cell() in this process
  int64_t jobs = 1;               // runs at the same time, which divide the cores; more than one needs a runner
};

/// Threads of one of `jobs` runs that go on at the same time; 0: as the experiment says.
int64_t threads_per_run(const Experiment& experiment, int64_t jobs);

/// Runs what is not done yet; a failed run is reported and the rest goes on. Writes plan.json, results.csv, stats.json
/// and report.html into runs_root/<study>/. Throws Interrupted with state saved.
StudyResult run_study(const Study& study, const StudyRun& how, const Registry& registry);

/// The checkpoint file that predicts for a run: `rule` is "best" or "last". DataError where nothing is trained.
std::filesystem::path predicting_checkpoint(const RunFolder& folder, const std::string& rule);

/// The work of a run, in order; each has a hash of its own.
enum class Stage { Prepare, Train, Infer, Evaluate };

/// Trains, predicts the test set and evaluates one experiment in its run folder, up to `last`: what `ablate` does per
/// cell. Stages whose hash stands in status.json already are not done again.
void run_cell(const Experiment& experiment, const RunFolder& folder, const std::filesystem::path& cache,
              const Registry& registry, Stage last = Stage::Evaluate);

}  // namespace lamina::engine
