// Draws progress: in place on a terminal, as plain lines elsewhere.
#include "engine/run/progress.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string_view>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

namespace lamina::engine {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kQuiet{2};          // what is over by then needs no bar
constexpr milliseconds kRedraw{100};  // on a terminal
constexpr seconds kLineInterval{10};  // elsewhere
constexpr double kLineShare = 0.1;    // of the work; lines come at least a second apart
constexpr int kSmallestBar = 5;

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && !(kind && std::string_view(kind) == "dumb");
}

bool coloured() {
  const char* refused = std::getenv("NO_COLOR");
  return !(refused && *refused);
}

size_t terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

/// "[#####.....]" as wide as there is room for.
std::string bar_of(double share, size_t room) {
  if (room < kSmallestBar + 2) return "";
  const size_t width = std::min<size_t>(room - 2, 30);
  const size_t full = std::min(width, static_cast<size_t>(share * static_cast<double>(width)));
  const std::string done(full, '#'), rest(width - full, '.');
  if (!coloured()) return "[" + done + rest + "]";
  return "[\033[36m" + done + "\033[2m" + rest + "\033[0m]";
}

}  // namespace

/// The line at the foot of the terminal, shared by all bars and by the log.
class ProgressScreen {
 public:
  static ProgressScreen& instance() {
    static auto* one = new ProgressScreen;
    return *one;
  }

  void enter(Progress* bar) {
    const std::lock_guard hold(mutex_);
    bars_.push_back(bar);
  }

  void leave(Progress* bar) {
    const std::lock_guard hold(mutex_);
    const bool nested = bars_.size() > 1;
    if (bar->shown_ && terminal_ && nested) erase();
    if (bar->shown_ && terminal_ && !nested) draw(*bar), std::cerr << "\n" << std::flush, dirty_ = false;
    if (bar->shown_ && !terminal_ && bar->printed_ != bar->done_) print(*bar);
    std::erase(bars_, bar);
  }

  void update(Progress* bar, int64_t done, const std::string& note) {
    const std::lock_guard hold(mutex_);
    if (bar->first_ < 0) bar->first_ = bar->printed_ = done;
    bar->done_ = done;
    bar->note_ = note;
    const auto now = Clock::now();
    if (now - bar->start_ < kQuiet) return;
    bar->shown_ = true;
    if (terminal_ && bars_.back() == bar && now - bar->drawn_ >= kRedraw) {
      bar->drawn_ = now;
      draw(*bar);
    }
    if (!terminal_ && line_due(*bar, now)) {
      bar->drawn_ = now;
      print(*bar);
    }
  }

  void guard(bool writing) {
    if (writing) {
      mutex_.lock();
      erase();
      return;
    }
    if (terminal_ && !bars_.empty() && bars_.back()->shown_) draw(*bars_.back());
    mutex_.unlock();
  }

 private:
  ProgressScreen() {
    set_log_guard([this](bool writing) { guard(writing); });
  }

  static bool line_due(const Progress& bar, Clock::time_point now) {
    const auto since = now - bar.drawn_;
    const double share =
        static_cast<double>(bar.done_ - bar.printed_) / static_cast<double>(std::max<int64_t>(1, bar.total_));
    return since >= kLineInterval || (share >= kLineShare && since >= seconds(1));
  }

  void erase() {
    if (dirty_) std::cerr << "\r\033[K" << std::flush;
    dirty_ = false;
  }

  void draw(const Progress& bar) {
    std::string line = bar.line();
    const size_t width = terminal_width() - 1;
    if (line.size() > width) line.resize(width);
    const double share = static_cast<double>(bar.done_) / static_cast<double>(std::max<int64_t>(1, bar.total_));
    const std::string gauge = line.size() + 1 < width ? bar_of(share, width - line.size() - 1) : "";
    std::cerr << "\r\033[K" << gauge << (gauge.empty() ? "" : " ") << line << std::flush;
    dirty_ = true;
  }

  static void print(Progress& bar) {
    bar.printed_ = bar.done_;
    std::cerr << bar.line() + "\n" << std::flush;
  }

  std::recursive_mutex mutex_;
  std::vector<Progress*> bars_;  // the innermost last
  const bool terminal_ = is_terminal();
  bool dirty_ = false;  // something stands on the terminal's last line
};

Progress::Progress(std::string title, int64_t total, std::string unit)
    : title_(std::move(title)), unit_(std::move(unit)), total_(total), start_(Clock::now()), drawn_(start_) {
  ProgressScreen::instance().enter(this);
}

Progress::~Progress() { ProgressScreen::instance().leave(this); }

void Progress::update(int64_t done, const std::string& note) { ProgressScreen::instance().update(this, done, note); }

std::string Progress::line() const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const int64_t worked = done_ - std::max<int64_t>(0, first_);
  std::string line = text(title_, " ", done_, "/", total_, unit_.empty() ? "" : " " + unit_);
  if (done_ >= total_) {
    line += ", took " + human_seconds(elapsed);
  } else if (worked > 0) {
    line += ", " + human_seconds(elapsed / static_cast<double>(worked) * static_cast<double>(total_ - done_)) + " left";
  }
  return note_.empty() ? line : line + ", " + note_;
}

}  // namespace lamina::engine
