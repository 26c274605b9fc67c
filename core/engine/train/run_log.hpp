// curves.csv (one row an epoch) and log.jsonl (the same in full, and everything that was said).
#pragma once

#include "engine/run/run_folder.hpp"
#include "engine/train/counters.hpp"

#include <lamina/base/log.hpp>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

/// One finished epoch.
struct EpochRow {
  int64_t epoch = 0, step = 0;  // counted from 1
  double rate = 0, loss = 0, grad_norm = 0, seconds = 0;
  std::map<std::string, double> terms;
  std::optional<double> val_dice, val_loss;
  std::map<std::string, double> val_classes;  // Dice by class name
};

/// While it lives, the program's log goes to log.jsonl too.
class RunLog {
 public:
  /// Cuts both files back to what was there at `done`: later epochs and steps belong to a run that was killed.
  RunLog(const RunFolder& folder, const Counters& done);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  ConfigNode add(const EpochRow& row);  ///< returns the entry of log.jsonl
  void set_step(int64_t step) { step_ = step; }

 private:
  void say(LogLevel level, const std::string& message);
  std::filesystem::path log_, curves_;
  std::mutex mutex_;
  std::atomic<int64_t> step_;
};

}  // namespace lamina::engine
