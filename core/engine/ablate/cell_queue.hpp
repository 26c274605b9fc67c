// Hands out the cells of a plan to the threads of this process, beside other processes that work on the same study.
#pragma once

#include "engine/ablate/plan.hpp"
#include "engine/run/claims.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace lamina::engine {

/// In the plan's order. A cell that trains what another one is training waits, here and across processes, and takes its
/// checkpoint; a cell that learns from others when to stop waits for them.
class CellQueue {
 public:
  explicit CellQueue(const Plan& plan);

  /// Index of the next cell; nothing when none is left or after stop(). Cells that nobody needs to run are handed out
  /// too, and so are those that another process has finished meanwhile. Throws Interrupted when asked to stop while it
  /// waits for other processes.
  std::optional<size_t> take();
  void give_back(size_t cell);
  void stop();

 private:
  bool is_ready(size_t cell) const;
  bool claim(size_t cell);
  void wait(std::unique_lock<std::mutex>& lock);
  const std::string& hash_of(size_t cell) const { return plan_.cells[cell].cell.hashes.train; }

  const Plan& plan_;
  Claims claims_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> taken_, finished_;
  std::set<std::string> training_;  // hashes, in this process
  std::string elsewhere_, said_;    // who works on what this process would take next
  bool stopped_ = false;
};

}  // namespace lamina::engine
