// Handlers only raise a flag; long loops look at it between steps.
#include "engine/run/interrupt.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <atomic>
#include <csignal>
#include <mutex>

#include <unistd.h>

namespace lamina::engine {
namespace {

std::atomic<int> requested{0};  // the signal's number; 0: none

static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

extern "C" void lamina_on_signal(int signal) {
  constexpr int kExitInterrupted = 130;
  constexpr char kMessage[] = "\nended at once; what was saved last is kept\n";
  if (signal == SIGINT && requested.exchange(signal) == SIGINT) {
    [[maybe_unused]] const auto ignored = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
    _exit(kExitInterrupted);
  }
  requested = signal;
}

std::mutex stop_mutex;
std::filesystem::path stop_file;

std::filesystem::path current_stop_file() {
  const std::lock_guard hold(stop_mutex);
  return stop_file;
}

bool stop_file_exists() {
  const auto file = current_stop_file();
  std::error_code ignored;
  return !file.empty() && std::filesystem::exists(file, ignored);
}

std::string reason() {
  switch (requested.load()) {
    case SIGINT:
      return "interrupted (Ctrl-C)";
    case SIGTERM:
      return "asked to end (SIGTERM)";
    case SIGUSR1:
      return "asked to stop (SIGUSR1)";
    default:
      return text("asked to stop by the file ", current_stop_file().string(), " (remove it before going on)");
  }
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = lamina_on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigset_t ours;
  sigemptyset(&ours);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    sigaction(signal, &action, nullptr);
    sigaddset(&ours, signal);
  }
  // A cell that a worker thread started begins with that thread's mask, which blocks everything.
  pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
}

void set_stop_file(const std::filesystem::path& file) {
  const std::lock_guard hold(stop_mutex);
  stop_file = file;
}

bool interrupt_requested() { return requested.load() != 0 || stop_file_exists(); }

void reset_interrupt() { requested = 0; }

void throw_if_interrupted(const std::filesystem::path& where) {
  if (!interrupt_requested()) return;
  throw Interrupted(text(reason(), "; state is saved in ", where.string(), "; the same command goes on from there"));
}

}  // namespace lamina::engine
