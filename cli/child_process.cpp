// Starts, watches and stops the processes that run cells.
#include "child_process.hpp"

#include "engine/run/interrupt.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;
constexpr int kInterrupted = 130;

/// What a child says on its error stream, handed on line by line.
class Voice {
 public:
  Voice(std::string line_start, bool silent) : line_start_(std::move(line_start)), silent_(silent) {
    if (!line_start_.empty() && pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw Error(text("cannot make a pipe: ", std::strerror(errno)));
  }
  ~Voice() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  /// In the child.
  void become_stderr() const {
    if (silent_) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    if (ends_[1] >= 0) dup2(ends_[1], STDERR_FILENO);
  }

  /// In the parent, after the child has its end.
  void listen() {
    if (ends_[1] < 0) return;
    close(ends_[1]);
    ends_[1] = -1;
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }

  /// Hands on what has come; waits up to `wait` for it.
  void hand_on(std::chrono::milliseconds wait) {
    if (ends_[0] < 0 || ended_) return std::this_thread::sleep_for(wait);
    pollfd watched{ends_[0], POLLIN, 0};
    if (poll(&watched, 1, static_cast<int>(wait.count())) <= 0) return;
    std::array<char, 4096> buffer;
    ssize_t count = 0;
    while ((count = read(ends_[0], buffer.data(), buffer.size())) > 0)
      heard_.append(buffer.data(), static_cast<size_t>(count));
    ended_ = count == 0;
    for (size_t end = 0; (end = heard_.find('\n')) != std::string::npos; heard_.erase(0, end + 1)) {
      log_info(line_start_ + heard_.substr(0, end));
    }
  }

 private:
  std::string line_start_, heard_;
  bool silent_;
  std::array<int, 2> ends_{-1, -1};
  bool ended_ = false;
};

pid_t start(const std::vector<std::string>& words, Voice& voice) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw Error(text("cannot start a process: ", std::strerror(errno)));
  if (child > 0) {
    voice.listen();
    return child;
  }
  voice.become_stderr();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  execv("/proc/self/exe", arguments.data());
  _exit(127);
}

/// Waits; a stop request is passed on once. SIGUSR1: a terminal's Ctrl-C has reached the child already, and a second
/// SIGINT would end it without saving.
int wait_for(pid_t child, Voice& voice) {
  bool passed_on = false;
  while (true) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) {
      voice.hand_on(std::chrono::milliseconds(0));
      return status;
    }
    if (ended < 0 && errno != EINTR) throw Error(text("lost the process of a run: ", std::strerror(errno)));
    if (engine::interrupt_requested() && !passed_on) {
      kill(child, SIGUSR1);
      passed_on = true;
    }
    voice.hand_on(std::chrono::milliseconds(50));
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
  return [](const engine::CellOrder& order) {
    make_folder(order.folder.path());
    write_file(order.folder.experiment(), order.experiment.resolved().dump(2) + "\n");
    const std::string origin = fs::absolute(order.experiment.folder()).string();
    std::vector<std::string> words{"lamina", "run-cell", order.folder.path().string(), "--origin",
                                   origin,   "--cache",  order.cache.string()};
    if (order.probe) words.push_back("--probe");
    if (order.threads > 0) words.insert(words.end(), {"--threads", std::to_string(order.threads)});
    Voice voice(order.line_start, order.probe);
    judge(wait_for(start(words, voice), voice), order.folder);
  };
}

}  // namespace lamina::cli
