// Makes batches ahead of time on worker threads; the order is that of the caller.
#pragma once

#include "engine/data/worker_threads.hpp"

#include <lamina/data/batch.hpp>

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <variant>

namespace lamina::engine {

class Prefetch {
 public:
  using Make = std::function<Batch(int64_t index)>;

  /// Batches first, first + 1, ..., end - 1. At most `ahead` batches wait to be taken. `workers` 0: each is made
  /// when it is asked for; still on a thread of its own, because sums round differently with another number of threads.
  Prefetch(Make make, int64_t first, int64_t end, int64_t workers, int64_t ahead = 4);
  ~Prefetch();
  /// The next batch, or the exception that its making ended with.
  Batch next();

 private:
  using Result = std::variant<Batch, std::exception_ptr>;
  void work();
  Result attempt(int64_t index) const;

  const Make make_;
  const int64_t end_, ahead_;
  std::mutex mutex_;
  std::condition_variable made_, taken_;
  int64_t to_make_, to_take_, asked_ = 0;
  bool stopping_ = false;
  std::map<int64_t, Result> ready_;
  std::unique_ptr<WorkerThreads> threads_;
};

}  // namespace lamina::engine
