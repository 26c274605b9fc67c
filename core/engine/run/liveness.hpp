// Whether the process behind a run's status still works on it.
#pragma once

#include "engine/run/run_folder.hpp"

#include <string>

namespace lamina::engine {

/// Died: the status says "running", and nobody is.
enum class Liveness { Running, Died, NotRunning };

/// A run that works refreshes its heartbeat at least once a minute; after this long it is given up, on other hosts.
constexpr double kStaleHeartbeat = 600;  // seconds

/// On this host the process itself is asked for; of another host the heartbeat alone is known. `now`: seconds since
/// 1970.
Liveness liveness_of(const RunStatus& status, double now);

std::string this_host();

}  // namespace lamina::engine
