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
  char state = '?';     // Z, X: ended, its parent has not asked yet
  int64_t started = 0;  // ticks since the host started
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
  std::from_chars(field.data(), field.data() + field.size(), facts.started);
  return facts;
}

double seconds_of(int64_t ticks) {
  double uptime = 0;
  std::ifstream("/proc/uptime") >> uptime;
  return seconds_since_1970() - uptime + static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Numbers of processes come again, after a container's restart at once.
bool works_here(const Worker& worker) {
  const auto process = process_facts(worker.pid);
  if (!process || process->state == 'Z' || process->state == 'X') return false;
  if (worker.started > 0) return process->started == worker.started;
  constexpr double kClockSlack = 60;  // clocks may be set meanwhile
  return seconds_of(process->started) <= worker.heartbeat + kClockSlack;
}

}  // namespace

bool is_alive(const Worker& worker, double now) {
  const bool here = worker.pid > 0 && worker.host == this_host();
  return here ? works_here(worker) : now - worker.heartbeat <= kStaleHeartbeat;
}

Liveness liveness_of(const RunStatus& status, double now) {
  if (status.state != "running") return Liveness::NotRunning;
  return is_alive({status.pid, status.host, status.heartbeat, 0}, now) ? Liveness::Running : Liveness::Died;
}

Worker own_worker() {
  const auto process = process_facts(getpid());
  return {getpid(), this_host(), seconds_since_1970(), process ? process->started : 0};
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string this_host() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

}  // namespace lamina::engine
