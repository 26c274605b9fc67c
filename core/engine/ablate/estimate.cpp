// Adds up what cells cost.
#include "engine/ablate/estimate.hpp"

#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>

#include <unistd.h>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

/// Removed with everything in it.
class ScratchFolder {
 public:
  ScratchFolder() : path_(fs::temp_directory_path() / text("lamina-probe-", getpid())) { make_folder(path_); }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool is_left(const PlannedCell& cell) { return cell.chosen && !cell.done; }

/// What a run of the same arm with another seed took.
std::optional<RunCost> measured_cost(const Plan& plan, const std::string& arm) {
  for (const auto& planned : plan.cells) {
    if (planned.cell.arm != arm || !planned.done) continue;
    const RunStatus status = RunFolder(planned.cell.run).status();
    if (!status.stopped_early.empty()) continue;
    return RunCost{status.step_seconds, status.seconds_per_case, status.train_seconds, status.infer_seconds,
                   status.peak_memory_bytes};
  }
  return {};
}

RunCost probed_cost(const PlannedCell& planned, const StudyRun& how, const Registry& registry) {
  const ScratchFolder scratch;
  if (!how.runner) return probe(planned.experiment, scratch.path(), registry);
  CellOrder order{planned.experiment, RunFolder(scratch.path()), scratch.path(),
                  threads_per_run(planned.experiment, how.jobs)};
  order.probe = true;
  how.runner(order);
  const fs::path result = probe_file(scratch.path());
  return RunCost::from_node(ConfigNode::parse(read_file(result), result.string()));
}

/// The largest first: so many run at the same time.
int64_t memory_of(std::vector<int64_t> runs, int64_t jobs) {
  std::sort(runs.rbegin(), runs.rend());
  int64_t sum = 0;
  for (size_t i = 0; i < runs.size() && i < static_cast<size_t>(jobs); ++i) sum += runs[i];
  return sum;
}

void add_up(const Plan& plan, int64_t jobs, Estimate& estimate) {
  std::vector<int64_t> memory;
  for (const auto& planned : plan.cells) {
    const auto arm = estimate.arms.find(planned.cell.arm);
    if (!is_left(planned) || arm == estimate.arms.end()) continue;
    const RunCost& cost = arm->second.cost;
    estimate.seconds += (planned.trains ? cost.train_seconds : 0) + cost.infer_seconds;
    memory.push_back(cost.peak_memory_bytes);
  }
  if (memory.empty()) return;
  estimate.seconds /= static_cast<double>(std::min(jobs, std::ssize(memory)));
  estimate.peak_memory_bytes = memory_of(memory, jobs);
}

}  // namespace

Estimate estimate(const Plan& plan, const StudyRun& how, const Registry& registry) {
  std::map<std::string, const PlannedCell*> left;  // the first cell of each arm
  for (const auto& planned : plan.cells) {
    if (is_left(planned)) left.emplace(planned.cell.arm, &planned);
  }
  Estimate estimate;
  Progress progress("probing", std::ssize(left), "arms");
  int64_t done = 0;
  progress.update(0);
  for (const auto& [arm, planned] : left) {
    throw_if_interrupted("nothing; the plan was not printed");
    try {
      const auto measured = measured_cost(plan, arm);
      estimate.arms[arm] = {measured ? *measured : probed_cost(*planned, how, registry), measured.has_value()};
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      estimate.problems[error.what()].push_back(arm);
    }
    progress.update(++done, arm);
  }
  add_up(plan, how.jobs, estimate);
  return estimate;
}

}  // namespace lamina::engine
