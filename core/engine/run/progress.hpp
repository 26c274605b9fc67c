// A progress bar with ETA on a terminal, plain flushed lines otherwise. Everything longer than two seconds has one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lamina::engine {

/// Bars may nest: the innermost is the one in view. Log lines step in front of it. Thread safe.
class Progress {
 public:
  /// Shows nothing before two seconds have passed. `unit` is "cases", "epochs", ...
  Progress(std::string title, int64_t total, std::string unit = "");
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `note` stands behind the ETA: "loss 0.31, dice 0.82". The first call says where the work starts: a resumed run
  /// begins in the middle, and its ETA counts from there.
  void update(int64_t done, const std::string& note = "");

 private:
  friend class ProgressScreen;
  std::string line() const;
  std::string title_, unit_, note_;
  int64_t total_, done_ = 0, first_ = -1, printed_ = 0;
  std::chrono::steady_clock::time_point start_, drawn_;
  bool shown_ = false;
};

}  // namespace lamina::engine
