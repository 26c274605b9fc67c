// The program's talk, through Boost.Log: one line a message to stderr, coloured where a person reads it.
#include <lamina/base/log.hpp>

#include <boost/log/attributes/value_extraction.hpp>
#include <boost/log/core.hpp>
#include <boost/log/sinks/basic_sink_backend.hpp>
#include <boost/log/sinks/unlocked_frontend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_logger.hpp>
#include <boost/smart_ptr/make_shared_object.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string_view>

#include <unistd.h>

namespace lamina {
namespace {

namespace logging = boost::log;

std::atomic<LogLevel> lowest{LogLevel::Info};

/// Recursive: a listener or guard may itself say something.
std::recursive_mutex& mutex() {
  static auto* one = new std::recursive_mutex;
  return *one;
}

std::function<void(LogLevel, const std::string&)>& listener() {
  static auto* one = new std::function<void(LogLevel, const std::string&)>;
  return *one;
}

std::function<void(bool)>& guard() {
  static auto* one = new std::function<void(bool)>;
  return *one;
}

bool coloured() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (refused && *refused) return false;
  return isatty(STDERR_FILENO) == 1 && !(terminal && std::string_view(terminal) == "dumb");
}

std::string line_of(LogLevel level, const std::string& message, bool colour) {
  const char* word = level == LogLevel::Error ? "error: " : level == LogLevel::Warning ? "warning: " : "";
  if (!colour) return word + message + "\n";
  switch (level) {
    case LogLevel::Debug:
      return "\033[2m" + message + "\033[0m\n";
    case LogLevel::Info:
      return message + "\n";
    case LogLevel::Warning:
      return "\033[33mwarning:\033[0m " + message + "\n";
    case LogLevel::Error:
      return "\033[1;31merror:\033[0m " + message + "\n";
  }
  return message + "\n";
}

class StderrBackend : public logging::sinks::basic_formatted_sink_backend<char, logging::sinks::concurrent_feeding> {
 public:
  void consume(const logging::record_view& record, const std::string& message) {
    const auto level = logging::extract_or_default<LogLevel>("Severity", record, LogLevel::Info);
    if (guard()) guard()(true);
    std::cerr << line_of(level, message, colour_) << std::flush;
    if (guard()) guard()(false);
  }

 private:
  bool colour_ = coloured();
};

logging::sources::severity_logger<LogLevel>& logger() {
  static auto* one = [] {
    using Sink = logging::sinks::unlocked_sink<StderrBackend>;
    logging::core::get()->add_sink(boost::make_shared<Sink>(boost::make_shared<StderrBackend>()));
    return new logging::sources::severity_logger<LogLevel>;
  }();
  return *one;
}

}  // namespace

void log(LogLevel level, const std::string& message) {
  if (level < lowest.load()) return;
  const std::lock_guard hold(mutex());
  auto& out = logger();
  if (auto record = out.open_record(logging::keywords::severity = level)) {
    logging::record_ostream stream(record);
    stream << message;
    stream.flush();
    out.push_record(std::move(record));
  }
  if (listener()) listener()(level, message);
}

void set_log_level(LogLevel level) { lowest = level; }

void set_log_listener(std::function<void(LogLevel, const std::string&)> next) {
  const std::lock_guard hold(mutex());
  listener() = std::move(next);
}

void set_log_guard(std::function<void(bool writing)> next) {
  const std::lock_guard hold(mutex());
  guard() = std::move(next);
}

}  // namespace lamina
