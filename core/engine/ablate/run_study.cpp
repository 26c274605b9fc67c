// Runs the cells of a study, one after the other or several at a time.
#include "engine/ablate/plan.hpp"
#include "engine/data/worker_threads.hpp"
#include "engine/report/report.hpp"
#include "engine/run/device.hpp"
#include "engine/run/folder_lock.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

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

/// Hands out cells in the plan's order. A cell that trains what a running one trains waits, and takes its checkpoint.
class CellQueue {
 public:
  explicit CellQueue(const Plan& plan) : plan_(plan), taken_(plan.cells.size(), false) {}

  /// Index of the next cell; nothing when none is left or after stop().
  std::optional<size_t> take() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      bool left = false;
      for (size_t i = 0; i < taken_.size(); ++i) {
        if (taken_[i]) continue;
        left = true;
        if (!training_.insert(hash_of(i)).second) continue;
        taken_[i] = true;
        return i;
      }
      if (!left) return {};
      changed_.wait(lock);
    }
    return {};
  }

  void give_back(size_t cell) {
    const std::lock_guard hold(mutex_);
    training_.erase(hash_of(cell));
    changed_.notify_all();
  }

  void stop() {
    const std::lock_guard hold(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  const std::string& hash_of(size_t cell) const { return plan_.cells[cell].cell.hashes.train; }

  const Plan& plan_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> taken_;
  std::set<std::string> training_;
  bool stopped_ = false;
};

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
    if (interrupted_) std::rethrow_exception(interrupted_);
    return std::move(failures_);
  }

 private:
  void work() {
    while (const auto next = queue_.take()) {
      run(*next);
      queue_.give_back(*next);
      const std::lock_guard hold(mutex_);
      if (progress_) progress_->update(++finished_);
    }
  }

  void run(size_t index) {
    const PlannedCell& planned = plan_.cells[index];
    const std::string where = text("[", index + 1, "/", plan_.cells.size(), "] ", title_of(planned.cell));
    if (!planned.chosen) return;
    if (planned.done) return log_info(where + ": done before");
    const RunFolder folder(planned.cell.run);
    try {
      throw_if_interrupted(plan_.folder);
      log_info(where + ": runs in " + planned.cell.run.string());
      runner_({planned.experiment, folder, cache_, threads_of(planned.experiment),
               jobs_ > 1 ? title_of(planned.cell) + ": " : ""});
    } catch (const Interrupted&) {
      queue_.stop();
      const std::lock_guard hold(mutex_);
      interrupted_ = std::current_exception();
    } catch (const std::exception& error) {
      note_failure(folder, error.what());
      log_error(where + " failed: " + error.what());
      const std::lock_guard hold(mutex_);
      failures_.push_back(text(title_of(planned.cell), ": ", error.what()));
    }
  }

  int64_t threads_of(const Experiment& experiment) const {
    if (jobs_ == 1) return 0;
    const int64_t share = std::max<int64_t>(1, arithmetic_threads(RuntimeSection{}) / jobs_);
    return std::min(share, arithmetic_threads(experiment.options().runtime));
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
  std::exception_ptr interrupted_;
};

}  // namespace

StudyResult run_study(const Study& study, const StudyRun& how, const Registry& registry) {
  const Plan plan = make_plan(study, how, registry);
  for (const auto& warning : plan.warnings) log_warning(warning);
  const FolderLock lock(plan.folder);
  write_file(plan.folder / "plan.json", plan_to_node(study, plan).dump(2) + "\n");
  StudyResult result;
  result.folder = plan.folder;
  for (const auto& planned : plan.cells) result.cells.push_back(planned.cell);
  result.failures = CellRuns(plan, how, registry).run();
  result.report = write_report(plan.folder, registry);
  return result;
}

}  // namespace lamina::engine
