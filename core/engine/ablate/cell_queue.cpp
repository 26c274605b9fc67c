// Chooses the next cell under one mutex; other processes are seen through their claims.
#include "engine/ablate/cell_queue.hpp"

#include "engine/run/interrupt.hpp"

#include <lamina/base/log.hpp>

#include <algorithm>
#include <chrono>

namespace lamina::engine {

CellQueue::CellQueue(const Plan& plan)
    : plan_(plan),
      claims_(plan.folder / ".claims"),
      taken_(plan.cells.size(), false),
      finished_(plan.cells.size(), false) {}

std::optional<size_t> CellQueue::take() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    bool left = false;
    elsewhere_.clear();
    for (size_t cell = 0; cell < taken_.size(); ++cell) {
      if (taken_[cell]) continue;
      left = true;
      if (!is_ready(cell) || !claim(cell)) continue;
      taken_[cell] = true;
      return cell;
    }
    if (!left) return {};
    wait(lock);
  }
  return {};
}

void CellQueue::give_back(size_t cell) {
  const std::lock_guard hold(mutex_);
  finished_[cell] = true;
  if (training_.erase(hash_of(cell)) > 0) claims_.release(hash_of(cell));
  changed_.notify_all();
}

void CellQueue::stop() {
  const std::lock_guard hold(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool CellQueue::is_ready(size_t cell) const {
  const auto& after = plan_.cells[cell].after;
  return std::all_of(after.begin(), after.end(), [this](size_t other) { return finished_[other]; });
}

bool CellQueue::claim(size_t cell) {
  const PlannedCell& planned = plan_.cells[cell];
  if (!planned.chosen || planned.done) return true;
  const std::string& hash = hash_of(cell);
  if (training_.contains(hash)) return false;
  if (!claims_.take(hash)) {
    if (elsewhere_.empty()) elsewhere_ = claims_.holder(hash);
    return false;
  }
  training_.insert(hash);
  return true;
}

/// Threads of this process say when something changes; other processes have to be looked at.
void CellQueue::wait(std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::seconds kLook{1};
  if (elsewhere_.empty()) return changed_.wait(lock);
  if (elsewhere_ != said_ && training_.empty()) {
    said_ = elsewhere_;
    log_info("what is left is being done by another lamina (" + elsewhere_ + "); waiting for it");
  }
  changed_.wait_for(lock, kLook);
  throw_if_interrupted(plan_.folder);
}

}  // namespace lamina::engine
