// One run's folder: runs/<study>/<arm>-s<seed>-<hash8>/ with fixed names; tensorboard/ is there where it is asked for.
#pragma once

#include "engine/experiment/experiment.hpp"
#include "engine/run/peak_memory.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace lamina::engine {

struct RunStatus {
  std::string state = "queued";  // queued | running | done | failed | stopped
  std::string stage;             // prepare | train | infer | evaluate
  std::string error;
  std::string stopped_early;  // why training ended before its last epoch; "" where it did not
  StageHashes hashes;
  int64_t epoch = 0, epochs = 0;
  int64_t parameters_trainable = 0, parameters_total = 0;
  int64_t peak_memory_bytes = 0;
  double train_seconds = 0, step_seconds = 0, infer_seconds = 0, seconds_per_case = 0;
  double best_score = 0;  // of validation
  bool uses_ground_truth = false;
  // Filled in by set_status: a run that says "running" but has no such process on its host was killed.
  int64_t pid = 0;
  std::string host;
  double heartbeat = 0;  // seconds since 1970; the time of the file where that is later
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path);
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path experiment() const { return path_ / "experiment.resolved.json"; }
  std::filesystem::path environment() const { return path_ / "environment.json"; }
  std::filesystem::path status_file() const { return path_ / "status.json"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }
  std::filesystem::path curves() const { return path_ / "curves.csv"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path predictions() const { return path_ / "predictions"; }
  std::filesystem::path metrics() const { return path_ / "metrics.csv"; }
  std::filesystem::path summary() const { return path_ / "summary.json"; }
  std::filesystem::path stop_file() const { return path_ / "stop"; }

  /// Makes the folder, writes experiment.resolved.json and environment.json, and starts the count of peak memory anew.
  void begin(const Experiment& experiment, const Registry& registry);
  RunStatus status() const;  ///< "queued" where there is none
  void set_status(const RunStatus& status) const;

 private:
  std::filesystem::path path_;
};

/// Versions, plugins' stamps, host, device, threads.
ConfigNode environment_of(const Experiment& experiment, const Registry& registry);

}  // namespace lamina::engine
