// Runs the cells of a study, one after the other.
#include "engine/ablate/plan.hpp"
#include "engine/ablate/run_lock.hpp"
#include "engine/report/report.hpp"
#include "engine/run/interrupt.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

namespace lamina::engine {
namespace {

std::string title_of(const Cell& cell) { return text(cell.arm, " s", cell.seed); }

/// A process that died could not say so itself; it may not even have come to making its folder.
void note_failure(const RunFolder& folder, const std::string& error) {
  RunStatus status = folder.status();
  if (status.state == "failed") return;
  status.state = "failed";
  status.error = error;
  make_folder(folder.path());
  folder.set_status(status);
}

void run_cells(const Plan& plan, const StudyRun& how, const Registry& registry, StudyResult& result) {
  const CellRunner in_process = [&](const Experiment& experiment, const RunFolder& folder,
                                    const std::filesystem::path& cache) {
    run_cell(experiment, folder, cache, registry);
  };
  const CellRunner& runner = how.runner ? how.runner : in_process;
  size_t number = 0;
  for (const auto& planned : plan.cells) {
    result.cells.push_back(planned.cell);
    const std::string where = text("[", ++number, "/", plan.cells.size(), "] ", title_of(planned.cell));
    if (!planned.chosen) continue;
    if (planned.done) {
      log_info(where + ": done before");
      continue;
    }
    throw_if_interrupted(plan.folder);
    log_info(where + ": runs in " + planned.cell.run.string());
    const RunFolder folder(planned.cell.run);
    try {
      runner(planned.experiment, folder, how.runs_root / ".cache");
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      note_failure(folder, error.what());
      result.failures.push_back(text(title_of(planned.cell), ": ", error.what()));
      log_error(where + " failed: " + error.what());
    }
  }
}

}  // namespace

StudyResult run_study(const Study& study, const StudyRun& how, const Registry& registry) {
  const Plan plan = make_plan(study, how, registry);
  for (const auto& warning : plan.warnings) log_warning(warning);
  const FolderLock lock(plan.folder);
  write_file(plan.folder / "plan.json", plan_to_node(study, plan).dump(2) + "\n");
  StudyResult result;
  result.folder = plan.folder;
  run_cells(plan, how, registry, result);
  result.report = write_report(plan.folder, registry);
  return result;
}

}  // namespace lamina::engine
