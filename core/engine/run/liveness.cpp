// Asks /proc for the process of a run on this host.
#include "engine/run/liveness.hpp"

#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include <unistd.h>

namespace lamina::engine {
namespace {

struct ProcessFacts {
  char state = '?';    // Z, X: ended, its parent has not asked yet
  double started = 0;  // seconds since 1970
};

/// Nothing when there is no such process.
std::optional<ProcessFacts> process_facts(int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = all.rfind(')');  // the name before it may hold blanks and brackets
  if (name_end == std::string::npos) return {};
  std::istringstream fields(all.substr(name_end + 1));
  ProcessFacts facts;
  std::string field;
  fields >> facts.state;
  constexpr int kStartTime = 22, kState = 3;  // as proc(5) counts them
  for (int i = kState; i < kStartTime; ++i) fields >> field;
  double ticks = 0, uptime = 0;
  std::from_chars(field.data(), field.data() + field.size(), ticks);
  std::ifstream("/proc/uptime") >> uptime;
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  facts.started = now - uptime + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  return facts;
}

bool works_here(const RunStatus& status) {
  const auto process = process_facts(status.pid);
  if (!process || process->state == 'Z' || process->state == 'X') return false;
  // A process younger than the heartbeat got the number of the one that wrote it. Clocks may be set meanwhile.
  constexpr double kClockSlack = 60;
  return process->started <= status.heartbeat + kClockSlack;
}

}  // namespace

Liveness liveness_of(const RunStatus& status, double now) {
  if (status.state != "running") return Liveness::NotRunning;
  const bool here = status.pid > 0 && status.host == this_host();
  const bool works = here ? works_here(status) : now - status.heartbeat <= kStaleHeartbeat;
  return works ? Liveness::Running : Liveness::Died;
}

std::string this_host() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

}  // namespace lamina::engine
