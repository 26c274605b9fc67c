// Says again and again that this process is still at work.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

namespace lamina::engine {

/// Calls `beat` every 20 seconds from a thread of its own, as long as it lives.
class Heartbeat {
 public:
  explicit Heartbeat(std::function<void()> beat);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

/// Sets the file's time to now; does nothing where there is none.
void touch_file(const std::filesystem::path& file);
/// Seconds since 1970; 0 where there is no such file.
double time_of_file(const std::filesystem::path& file);

}  // namespace lamina::engine
