// A run's curves for TensorBoard: tensorboard/events.out.tfevents.* in the run folder.
#pragma once

#include "engine/run/run_folder.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace lamina::engine {

/// One Event message with scalars: wall time in seconds since 1970, step, tag -> value.
std::string scalar_event(double time, int64_t step, const std::map<std::string, double>& values);

class EventFile {
 public:
  /// A new file with the experiment as text and every epoch that log.jsonl holds, in place of older ones: after a
  /// resume each step is there once.
  EventFile(const RunFolder& folder, const ConfigNode& experiment);

  /// `entry`: an epoch's line of log.jsonl.
  void add(const ConfigNode& entry);

  /// Where no file is wanted, none of an earlier run lies about.
  static void remove_all(const RunFolder& folder);

 private:
  std::filesystem::path file_;
  std::ofstream out_;
};

}  // namespace lamina::engine
