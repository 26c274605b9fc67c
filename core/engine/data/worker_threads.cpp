// Starts workers without disturbing the number of threads that arithmetic uses elsewhere.
#include "engine/data/worker_threads.hpp"

#include <latch>
#include <memory>
#include <utility>

#include <signal.h>

#include <ATen/Parallel.h>
#include <torch/types.h>

namespace lamina::engine {
namespace {

/// Signals go to the main thread, whose loops look for them.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

WorkerThreads::WorkerThreads(int64_t count, std::function<void()> body) : body_(std::move(body)) {
  const BlockedSignals blocked;  // threads inherit the mask
  const int arithmetic = at::get_num_threads();
  const auto started = std::make_shared<std::latch>(count);
  for (int64_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, started] {
      at::set_num_threads(1);
      // A thread's first question takes the process's number over, so it is asked before that is put back.
      at::get_num_threads();
      started->count_down();
      const torch::NoGradGuard no_grad;
      body_();
    });
  }
  // The number is the thread's own for OpenMP, but also the default of threads made later: put that back.
  started->wait();
  if (count > 0) at::set_num_threads(arithmetic);
}

WorkerThreads::~WorkerThreads() { join(); }

void WorkerThreads::join() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace lamina::engine
