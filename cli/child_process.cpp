// Starts, watches and stops the processes that run cells.
#include "child_process.hpp"

#include "engine/run/interrupt.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;
constexpr int kInterrupted = 130;

pid_t start(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw Error(text("cannot start a process: ", std::strerror(errno)));
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  execv("/proc/self/exe", arguments.data());
  _exit(127);
}

/// Waits; a stop request is passed on once. SIGUSR1: a terminal's Ctrl-C has reached the child already, and a second
/// SIGINT would end it without saving.
int wait_for(pid_t child) {
  bool passed_on = false;
  while (true) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) throw Error(text("lost the process of a run: ", std::strerror(errno)));
    if (engine::interrupt_requested() && !passed_on) {
      kill(child, SIGUSR1);
      passed_on = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::string death(int signal) {
  const std::string hint = signal == SIGKILL ? "; the system kills processes when memory runs out" : "";
  return text("the run's process was ended by signal ", signal, " (", strsignal(signal), ")", hint);
}

void judge(int status, const engine::RunFolder& folder) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  engine::throw_if_interrupted(folder.path());
  if (WIFSIGNALED(status)) throw Error(death(WTERMSIG(status)));
  const int code = WEXITSTATUS(status);
  if (code == kInterrupted) throw Interrupted(text("stopped; state is saved in ", folder.path().string()));
  const engine::RunStatus last = folder.status();
  throw Error(last.state == "failed" ? last.error : text("the run's process ended with code ", code));
}

}  // namespace

engine::CellRunner child_runner() {
  return [](const engine::Experiment& experiment, const engine::RunFolder& folder, const fs::path& cache) {
    make_folder(folder.path());
    write_file(folder.experiment(), experiment.resolved().dump(2) + "\n");
    const std::string origin = fs::absolute(experiment.folder()).string();
    judge(
        wait_for(start({"lamina", "run-cell", folder.path().string(), "--origin", origin, "--cache", cache.string()})),
        folder);
  };
}

}  // namespace lamina::cli
