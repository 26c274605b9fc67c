// Reads the kernel's high-water mark of resident memory.
#include "engine/run/peak_memory.hpp"

#include <fstream>
#include <string>

#include <sys/resource.h>

namespace lamina::engine {

int64_t peak_memory() {
  constexpr int64_t kKibi = 1024;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * kKibi;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * kKibi;
}

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace lamina::engine
