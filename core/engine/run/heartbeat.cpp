// A thread that waits, and time stamps of files.
#include "engine/run/heartbeat.hpp"

#include <chrono>

#include <fcntl.h>
#include <sys/stat.h>

namespace lamina::engine {

Heartbeat::Heartbeat(std::function<void()> beat)
    : thread_([this, beat = std::move(beat)] {
        constexpr std::chrono::seconds kBeat{20};
        std::unique_lock lock(mutex_);
        while (!ended_.wait_for(lock, kBeat, [this] { return ending_; })) beat();
      }) {}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard hold(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void touch_file(const std::filesystem::path& file) { utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }

double time_of_file(const std::filesystem::path& file) {
  struct stat facts {};
  if (stat(file.c_str(), &facts) != 0) return 0;
  return static_cast<double>(facts.st_mtim.tv_sec) + 1e-9 * static_cast<double>(facts.st_mtim.tv_nsec);
}

}  // namespace lamina::engine
