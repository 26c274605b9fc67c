// What every run of a folder of runs is doing.
#pragma once

#include "engine/index/run_index.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

struct RunState {
  std::string study, run, arm;
  int64_t seed = 0;
  std::optional<int64_t> fold;
  std::string state;   // queued | running | done | failed | stopped | died | damaged
  std::string stage;   // of those that began
  std::string reason;  // of a failure or damage
  int64_t epoch = 0, epochs = 0;
  std::optional<double> seconds_left;  // of the training, where it can be told
  std::string host;
  int64_t pid = 0;
  double heartbeat_age = 0;  // seconds
};

struct StudyState {
  std::string name, problem;  // problem: of plan.json
  std::vector<RunState> runs;
  int64_t count(const std::string& state) const;
};

/// All studies, or the one; ConfigError with the nearest name where there is none of that name. `now`: seconds since
/// 1970.
std::vector<StudyState> run_states(RunIndex& index, const std::string& study, double now);

}  // namespace lamina::engine
