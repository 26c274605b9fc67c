// A bounded, ordered queue of batches.
#include "engine/data/prefetch.hpp"

#include <lamina/base/error.hpp>

#include <algorithm>

namespace lamina::engine {

Prefetch::Prefetch(Make make, int64_t first, int64_t end, int64_t workers, int64_t ahead)
    : make_(std::move(make)),
      end_(end),
      ahead_(workers == 0 ? 0 : std::max(ahead, workers)),
      to_make_(first),
      to_take_(first) {
  const int64_t useful = std::min(std::max<int64_t>(1, workers), end - first);
  threads_ = std::make_unique<WorkerThreads>(useful, [this] { work(); });
}

Prefetch::~Prefetch() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  taken_.notify_all();
  threads_.reset();
}

Prefetch::Result Prefetch::attempt(int64_t index) const {
  try {
    return make_(index);
  } catch (...) {
    return std::current_exception();
  }
}

void Prefetch::work() {
  while (true) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock,
                [this] { return stopping_ || to_make_ >= end_ || to_make_ < std::max(asked_, to_take_ + ahead_); });
    if (stopping_ || to_make_ >= end_) return;
    const int64_t index = to_make_++;
    lock.unlock();
    Result result = attempt(index);
    lock.lock();
    ready_.emplace(index, std::move(result));
    lock.unlock();
    made_.notify_all();
  }
}

Batch Prefetch::next() {
  if (to_take_ >= end_) throw Error("there are no more batches");
  std::unique_lock lock(mutex_);
  asked_ = to_take_ + 1;
  taken_.notify_all();
  made_.wait(lock, [this] { return ready_.contains(to_take_); });
  Result result = std::move(ready_.extract(to_take_++).mapped());
  lock.unlock();
  taken_.notify_all();
  if (const auto* failure = std::get_if<std::exception_ptr>(&result)) std::rethrow_exception(*failure);
  return std::move(std::get<Batch>(result));
}

}  // namespace lamina::engine
