// Asks the index, and the processes behind the runs that call themselves running.
#include "engine/index/run_states.hpp"

#include "engine/index/names.hpp"
#include "engine/run/liveness.hpp"

#include <algorithm>
#include <cmath>

namespace lamina::engine {
namespace {

/// A run may have been faster before it was resumed, and validates now and then: the last epochs say best.
constexpr const char* kRunsOfStudy = R"(
SELECT folder, arm, seed, fold, state, stage, CASE problem WHEN '' THEN error ELSE problem END, epoch, epochs, host, pid,
  heartbeat, step_seconds * iterations,
  (SELECT avg(value) FROM (SELECT value FROM curve WHERE curve.run = run.id AND name = 'seconds'
                           ORDER BY curve.epoch DESC LIMIT 10))
FROM run WHERE study = ?1 ORDER BY arm, seed, fold, folder)";

RunState state_of(const Statement& row, const std::string& study, double now) {
  RunState run{study,
               row.text(0),
               row.text(1),
               row.integer(2),
               row.optional_integer(3),
               row.text(4),
               row.text(5),
               row.text(6),
               row.integer(7),
               row.integer(8),
               {},
               row.text(9),
               row.integer(10),
               0};
  RunStatus status;
  status.state = run.state;
  status.host = run.host;
  status.pid = run.pid;
  status.heartbeat = row.number(11);
  run.heartbeat_age = std::max(0.0, now - status.heartbeat);
  const Liveness liveness = liveness_of(status, now);
  if (liveness == Liveness::Died) run.state = "died";
  if (liveness != Liveness::Running || run.stage != "train" || run.epochs == 0) return run;
  const double epoch_seconds = row.is_null(13) ? row.number(12) : row.number(13);
  if (epoch_seconds > 0) run.seconds_left = epoch_seconds * static_cast<double>(run.epochs - run.epoch);
  return run;
}

}  // namespace

int64_t StudyState::count(const std::string& state) const {
  return std::count_if(runs.begin(), runs.end(), [&](const RunState& run) { return run.state == state; });
}

std::vector<StudyState> run_states(RunIndex& index, const std::string& study, double now) {
  return index.ask([&](const Database& database) {
    require_known(study, words_of(database.prepare("SELECT study FROM study ORDER BY study")), "study");
    std::vector<StudyState> studies;
    Statement names = database.prepare("SELECT study, problem FROM study WHERE ?1 = '' OR study = ?1 ORDER BY study");
    names.bind(study);
    while (names.step()) {
      StudyState one{names.text(0), names.text(1), {}};
      Statement runs = database.prepare(kRunsOfStudy);
      runs.bind(one.name);
      while (runs.step()) one.runs.push_back(state_of(runs, one.name, now));
      studies.push_back(std::move(one));
    }
    return studies;
  });
}

}  // namespace lamina::engine
