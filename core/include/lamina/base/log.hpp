// The program's talk: goes to stderr (and to a run's log.jsonl once one is open); results go to stdout.
#pragma once

#include <lamina/base/export.hpp>

#include <functional>
#include <string>

namespace lamina {

enum class LogLevel { Debug, Info, Warning, Error };

LAMINA_API void log(LogLevel level, const std::string& message);
inline void log_debug(const std::string& message) { log(LogLevel::Debug, message); }
inline void log_info(const std::string& message) { log(LogLevel::Info, message); }
inline void log_warning(const std::string& message) { log(LogLevel::Warning, message); }
inline void log_error(const std::string& message) { log(LogLevel::Error, message); }

/// Messages below `level` are dropped. Default: Info.
LAMINA_API void set_log_level(LogLevel level);

/// Called with every message that passes the level, in addition to stderr; empty removes it. Used for log.jsonl.
LAMINA_API void set_log_listener(std::function<void(LogLevel, const std::string&)> listener);

/// Called before and after a line is written to stderr, so that a progress bar can step aside; empty removes it.
LAMINA_API void set_log_guard(std::function<void(bool writing)> guard);

}  // namespace lamina
