// Runs the cells of a study, one after the other or several at a time.
#include "engine/ablate/cell_queue.hpp"
#include "engine/data/worker_threads.hpp"
#include "engine/report/report.hpp"
#include "engine/run/device.hpp"
#include "engine/run/folder_lock.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/liveness.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <mutex>
#include <optional>

namespace lamina::engine {
namespace {

std::string title_of(const Cell& cell) {
  return text(cell.arm, cell.fold ? text(" f", *cell.fold) : "", " s", cell.seed);
}

/// A process that died could not say so itself; it may not even have come to making its folder.
void note_failure(const RunFolder& folder, const std::string& error) {
  RunStatus status = folder.status();
  if (status.state == "failed") return;
  status.state = "failed";
  status.error = error;
  make_folder(folder.path());
  folder.set_status(status);
}

class CellRuns {
 public:
  CellRuns(const Plan& plan, const StudyRun& how, const Registry& registry)
      : plan_(plan), cache_(how.runs_root / ".cache"), jobs_(how.jobs), runner_(how.runner), queue_(plan) {
    if (jobs_ > 1 && !runner_) throw ConfigError("--jobs: several runs at a time need a process each");
    if (runner_) return;
    runner_ = [&registry](const CellOrder& order) { run_cell(order.experiment, order.folder, order.cache, registry); };
  }

  /// "arm s1: reason" of each failure.
  std::vector<std::string> run() {
    if (jobs_ == 1) {
      work();
    } else {
      progress_.emplace("study", std::ssize(plan_.cells), "runs");
      progress_->update(0);
      WorkerThreads(jobs_, [this] { work(); }).join();
      progress_.reset();
    }
    if (ended_by_) std::rethrow_exception(ended_by_);
    return std::move(failures_);
  }

 private:
  void work() {
    try {
      while (const auto next = queue_.take()) {
        run(*next);
        queue_.give_back(*next);
        const std::lock_guard hold(mutex_);
        if (progress_) progress_->update(++finished_);
      }
    } catch (const std::exception&) {  // Interrupted, or a claim that could not be written
      queue_.stop();
      const std::lock_guard hold(mutex_);
      ended_by_ = std::current_exception();
    }
  }

  void run(size_t index) {
    const PlannedCell& planned = plan_.cells[index];
    const std::string where = text("[", index + 1, "/", plan_.cells.size(), "] ", title_of(planned.cell));
    if (!planned.chosen) return;
    if (planned.done) return log_info(where + ": done before");
    const RunFolder folder(planned.cell.run);
    if (is_done(folder, planned.cell.hashes)) return log_info(where + ": done by another lamina");
    if (const auto failed = failed_elsewhere(planned.cell, folder)) return add_failure(planned.cell, where, *failed);
    try {
      throw_if_interrupted(plan_.folder);
      log_info(where + ": runs in " + planned.cell.run.string());
      runner_({planned.experiment, folder, cache_, threads_per_run(planned.experiment, jobs_),
               jobs_ > 1 ? title_of(planned.cell) + ": " : ""});
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      note_failure(folder, error.what());
      add_failure(planned.cell, where, error.what());
    }
  }

  /// Another process tried while this one was at work: once is enough.
  std::optional<std::string> failed_elsewhere(const Cell& cell, const RunFolder& folder) const {
    const RunStatus status = folder.status();
    const bool now = status.state == "failed" && status.heartbeat > begin_;
    if (!now || status.hashes.evaluate != cell.hashes.evaluate) return {};
    return status.error;
  }

  void add_failure(const Cell& cell, const std::string& where, const std::string& reason) {
    log_error(where + " failed: " + reason);
    const std::lock_guard hold(mutex_);
    failures_.push_back(text(title_of(cell), ": ", reason));
  }

  const Plan& plan_;
  const std::filesystem::path cache_;
  const int64_t jobs_;
  CellRunner runner_;
  CellQueue queue_;
  std::mutex mutex_;
  std::optional<Progress> progress_;
  int64_t finished_ = 0;
  std::vector<std::string> failures_;
  std::exception_ptr ended_by_;
  const double begin_ = seconds_since_1970();
};

/// What other processes that work on the study must agree in.
std::string cells_of(const ConfigNode& plan) { return plan.contains("cells") ? plan.at("cells").dump() : ""; }

/// Processes that run the same plan work side by side; another plan waits until nobody works in the folder.
std::unique_ptr<FolderLock> enter_folder(const Study& study, const Plan& plan) {
  const ConfigNode node = plan_to_node(study, plan);
  const auto file = plan.folder / "plan.json";
  if (auto lock = FolderLock::attempt(plan.folder, Hold::Alone)) {
    write_file(file, node.dump(2) + "\n");
    lock->share();
    return lock;
  }
  // Alone somebody has it only for the moment in which the plan is written.
  auto lock = std::make_unique<FolderLock>(plan.folder, Hold::Shared, Busy::Wait);
  if (cells_of(ConfigNode::parse(read_file(file), file.string())) != cells_of(node)) {
    throw Error(text("another lamina is working in ", plan.folder.string(),
                     " on other settings of this study; wait for it, or give --runs another folder"));
  }
  log_info(text("another lamina is working on this study: the runs are shared with it"));
  return lock;
}

}  // namespace

int64_t threads_per_run(const Experiment& experiment, int64_t jobs) {
  if (jobs == 1) return 0;
  const int64_t share = std::max<int64_t>(1, arithmetic_threads(RuntimeSection{}) / jobs);
  return std::min(share, arithmetic_threads(experiment.options().runtime));
}

StudyResult run_study(const Study& study, const StudyRun& how, const Registry& registry) {
  const Plan plan = make_plan(study, how, registry);
  for (const auto& warning : plan.warnings) log_warning(warning);
  const auto lock = enter_folder(study, plan);
  StudyResult result;
  result.folder = plan.folder;
  for (const auto& planned : plan.cells) result.cells.push_back(planned.cell);
  result.failures = CellRuns(plan, how, registry).run();
  result.report = write_report(plan.folder, registry);
  return result;
}

}  // namespace lamina::engine
