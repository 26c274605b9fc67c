// Threads that read and augment: torch runs on one thread in each of them, without gradients.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace lamina::engine {

/// Runs `body` on `count` threads; the destructor waits for them. `body` must not throw.
class WorkerThreads {
 public:
  WorkerThreads(int64_t count, std::function<void()> body);
  ~WorkerThreads();
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;
  void join();

 private:
  std::function<void()> body_;
  std::vector<std::thread> threads_;
};

}  // namespace lamina::engine
