// Compares stamps, reads what differs, and writes it in few transactions.
#include "engine/index/refresh.hpp"

#include "engine/evaluate/metric_name.hpp"
#include "engine/index/run_record.hpp"
#include "engine/index/scan.hpp"
#include "engine/run/progress.hpp"

#include <lamina/objective/metric.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

using Cells = std::map<std::string, RunIdentity>;  // by folder

/// A plan.json that is new or changed.
struct PlanUpdate {
  std::string study, problem;
  Stamp stamp;
  StudyData plan;
  Cells cells;
};

struct RunUpdate {
  RunIdentity identity;
  Stamp stamp;
};

struct Changes {
  std::vector<PlanUpdate> plans;
  std::vector<RunUpdate> runs;
  std::vector<std::string> studies_gone;
  std::vector<RunIdentity> runs_gone;
};

PlanUpdate read_plan_update(const fs::path& runs, const std::string& study, const Stamp& stamp) {
  PlanUpdate update{study, "", stamp, {}, {}};
  if (stamp == "-") return update;  // of `lamina train` alone
  try {
    update.plan = read_study_plan(runs / study);
  } catch (const std::exception& error) {
    update.problem = error.what();
  }
  for (const auto& arm : update.plan.arms) {
    for (const auto& run : arm.runs) {
      const std::string folder = run.folder.path().filename().string();
      update.cells[folder] = {study, folder, arm.name, run.seed, run.fold, run.planned};
    }
  }
  return update;
}

/// Sees what changed; writes nothing.
class Survey {
 public:
  Survey(const Database& database, fs::path runs) : database_(database), runs_(std::move(runs)) {}

  Changes changes() {
    const auto found = scan_runs(runs_);
    Statement plans = database_.prepare("SELECT study, stamp FROM study");
    while (plans.step()) plans_[plans.text(0)] = plans.text(1);
    Statement runs = database_.prepare("SELECT study, folder, stamp FROM run");
    while (runs.step()) stamps_[runs.text(0)][runs.text(1)] = runs.text(2);
    for (const auto& [study, stamp] : plans_) {
      if (!found.contains(study)) changes_.studies_gone.push_back(study);
    }
    for (const auto& [study, scan] : found) add_study(study, scan);
    return std::move(changes_);
  }

 private:
  void add_study(const std::string& study, const StudyScan& scan) {
    const Cells cells = cells_of(study, scan.plan);
    std::map<std::string, Stamp> folders = scan.runs;
    for (const auto& [folder, cell] : cells) folders.emplace(folder, "- " + scan.plan);  // planned, not begun
    auto& known = stamps_[study];
    for (const auto& [folder, stamp] : folders) {
      const auto before = known.find(folder);
      if (before != known.end() && before->second == stamp) continue;
      const auto cell = cells.find(folder);
      changes_.runs.push_back({cell == cells.end() ? identity_of_folder(study, folder) : cell->second, stamp});
    }
    for (const auto& [folder, stamp] : known) {
      if (!folders.contains(folder)) changes_.runs_gone.push_back(identity_of_folder(study, folder));
    }
  }

  Cells cells_of(const std::string& study, const Stamp& plan) {
    const auto before = plans_.find(study);
    if (before == plans_.end() || before->second != plan) {
      changes_.plans.push_back(read_plan_update(runs_, study, plan));
      return changes_.plans.back().cells;
    }
    Cells cells;
    Statement rows = database_.prepare("SELECT folder, arm, seed, fold, hash FROM cell WHERE study = ?1");
    rows.bind(study);
    while (rows.step()) {
      cells[rows.text(0)] = {study,       rows.text(0), rows.text(1), rows.integer(2), rows.optional_integer(3),
                             rows.text(4)};
    }
    return cells;
  }

  const Database& database_;
  fs::path runs_;
  std::map<std::string, Stamp> plans_;
  std::map<std::string, std::map<std::string, Stamp>> stamps_;
  Changes changes_;
};

class Writer {
 public:
  Writer(const Database& database, const Registry& registry) : database_(database), registry_(registry) {}

  void forget_study(const std::string& study) const {
    for (const char* sql : {"DELETE FROM study WHERE study = ?1", "DELETE FROM cell WHERE study = ?1",
                            "DELETE FROM axis WHERE study = ?1", "DELETE FROM run WHERE study = ?1"}) {
      database_.prepare(sql).run(study);
    }
  }

  void forget_run(const RunIdentity& run) const {
    database_.prepare("DELETE FROM run WHERE study = ?1 AND folder = ?2").run(run.study, run.folder);
  }

  void write(const PlanUpdate& update) const {
    const std::string& study = update.study;
    database_.prepare("DELETE FROM cell WHERE study = ?1").run(study);
    database_.prepare("DELETE FROM axis WHERE study = ?1").run(study);
    database_.prepare("INSERT OR REPLACE INTO study VALUES(?1, ?2, ?3, ?4, ?5)")
        .run(study, update.plan.description, update.plan.baseline, update.problem, update.stamp);
    Statement cell = database_.prepare("INSERT INTO cell VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
    for (const auto& [folder, one] : update.cells) cell.run(study, folder, one.arm, one.seed, one.fold, one.planned);
    Statement axis = database_.prepare("INSERT OR REPLACE INTO axis VALUES(?1, ?2, ?3, ?4, ?5)");
    for (const auto& arm : update.plan.arms) {
      for (const auto& change : arm.changes) axis.run(study, arm.name, change.path, change.baseline, change.arm);
    }
  }

  void write(const RunRecord& record, const Stamp& stamp) {
    forget_run(record.identity);
    write_run(record, stamp);
    const int64_t id = database_.last_id();
    Statement metric = database_.prepare("INSERT INTO metric VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    for (const auto& [key, all] : record.metrics) {
      const auto& [name, class_id] = key;
      const std::string class_name = class_id == 0 ? "" : record.classes.at(class_id);
      metric.run(id, name, class_id, class_name, all.mean, all.sd, all.median, all.cases, all.undefined, all.missed,
                 all.hallucinated);
    }
    write_curves(id, record.curves);
    write_kinds(record.evaluate);
  }

 private:
  void write_run(const RunRecord& record, const Stamp& stamp) const {
    const RunIdentity& run = record.identity;
    const RunStatus& status = record.status;
    const std::string hash = status.hashes.evaluate.empty() ? run.planned : status.hashes.evaluate;
    database_
        .prepare(
            "INSERT INTO run VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
            "?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29)")
        .run(run.study, run.folder, run.arm, run.seed, run.fold, hash, record.dataset, record.test_set, record.cases,
             status.state, status.stage, status.error, record.problem, status.epoch, status.epochs, record.iterations,
             status.parameters_trainable, status.parameters_total, status.peak_memory_bytes, status.train_seconds,
             status.step_seconds, status.infer_seconds, status.seconds_per_case, status.best_score,
             int64_t{status.uses_ground_truth}, status.pid, status.host, status.heartbeat, stamp);
  }

  void write_curves(int64_t run, const NumberColumns& curves) const {
    const auto epochs = curves.find("epoch");
    if (epochs == curves.end()) return;
    Statement point = database_.prepare("INSERT OR REPLACE INTO curve VALUES(?1, ?2, ?3, ?4)");
    for (const auto& [name, values] : curves) {
      if (name == "epoch") continue;
      const size_t rows = std::min(values.size(), epochs->second.size());  // a name may stand there twice
      for (size_t i = 0; i < rows; ++i) {
        const double epoch = epochs->second[i];
        if (std::abs(epoch) < 1e15) point.run(run, name, static_cast<int64_t>(epoch), values[i]);
      }
    }
  }

  /// A metric whose component is gone keeps what was known of it.
  void write_kinds(const ConfigNode& evaluate) {
    if (!evaluate.is_object() || !evaluate.contains("metrics")) return;
    const ConfigNode metrics = evaluate.at("metrics");
    for (size_t i = 0; i < metrics.size(); ++i) {
      if (!kinds_.insert(metrics.at(i).dump()).second) continue;
      try {
        const auto metric = registry_.create<Metric>(metrics.at(i), "evaluate.metrics", MetricContext{});
        database_.prepare("INSERT OR REPLACE INTO metric_kind VALUES(?1, ?2, ?3)")
            .run(metric_name(metrics.at(i), registry_), int64_t{metric->higher_is_better()}, metric->unit());
      } catch (const DatabaseError&) {
        throw;
      } catch (const std::exception&) {
        // Its plugin is missing or has other options today: `leaderboard` says so when it is asked for.
      }
    }
  }

  const Database& database_;
  const Registry& registry_;
  std::set<std::string> kinds_;  // entries seen
};

void write_studies(const Database& database, const Writer& writer, const Changes& changes) {
  if (changes.plans.empty() && changes.studies_gone.empty() && changes.runs_gone.empty()) return;
  Transaction whole(database);
  for (const auto& study : changes.studies_gone) writer.forget_study(study);
  for (const auto& run : changes.runs_gone) writer.forget_run(run);
  for (const auto& plan : changes.plans) writer.write(plan);
  whole.commit();
}

void write_runs(const Database& database, Writer& writer, const std::vector<RunUpdate>& updates, const fs::path& runs) {
  constexpr size_t kAtOnce = 64;  // read before the writer's lock is taken
  Progress progress("index", std::ssize(updates), "runs");
  progress.update(0);
  for (size_t first = 0; first < updates.size(); first += kAtOnce) {
    const size_t end = std::min(first + kAtOnce, updates.size());
    std::vector<RunRecord> records;
    for (size_t i = first; i < end; ++i) {
      records.push_back(read_record(runs, updates[i].identity));
      progress.update(static_cast<int64_t>(i + 1));
    }
    Transaction whole(database);
    for (size_t i = first; i < end; ++i) writer.write(records[i - first], updates[i].stamp);
    whole.commit();
  }
}

}  // namespace

int64_t refresh_index(const Database& database, const fs::path& runs, const Registry& registry) {
  const Changes changes = Survey(database, runs).changes();
  Writer writer(database, registry);
  write_studies(database, writer, changes);
  write_runs(database, writer, changes.runs, runs);
  return std::ssize(changes.runs);
}

}  // namespace lamina::engine
