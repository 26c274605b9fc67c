// Claims as files that only one process can create.
#include "engine/run/claims.hpp"

#include "engine/run/folder_lock.hpp"
#include "engine/run/liveness.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/options/config_node.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

/// Nothing where there is no claim. One that cannot be read is being written, or a host went down while writing.
std::optional<Worker> worker_of(const fs::path& claim) {
  Worker worker;
  worker.heartbeat = time_of_file(claim);
  if (worker.heartbeat == 0) return {};
  try {
    const auto node = ConfigNode::parse(read_file(claim), claim.string());
    worker.host = node.text_or("host", "");
    worker.pid = node.at("pid").as_integer();
    worker.started = node.at("started").as_integer();
  } catch (const Error&) {
    worker.host = "?";
  }
  return worker;
}

std::string own_claim() {
  ConfigNode node = ConfigNode::object();
  const Worker own = own_worker();
  node.set("pid", own.pid);
  node.set("host", own.host);
  node.set("started", own.started);
  return node.dump() + "\n";
}

/// False when the file is there already.
bool create(const fs::path& file, const std::string& content) {
  const int handle = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (handle < 0 && errno == EEXIST) return false;
  const bool written = handle >= 0 && write(handle, content.data(), content.size()) == std::ssize(content);
  const int reason = errno;
  if (handle >= 0) close(handle);
  if (written) return true;
  if (handle >= 0) unlink(file.c_str());
  throw StorageError(text("cannot write ", file.string(), ": ", std::strerror(reason)));
}

}  // namespace

Claims::Claims(fs::path folder) : folder_(std::move(folder)), heart_([this] { beat(); }) {}

Claims::~Claims() {
  for (const auto& name : std::set<std::string>(held_)) release(name);
}

bool Claims::take(const std::string& name) {
  // One process at a time looks and writes, so that two do not take over the same dead claim.
  const FolderLock turn(folder_, Hold::Alone, Busy::Wait);
  const fs::path file = file_of(name);
  const auto other = worker_of(file);
  if (other && is_alive(*other, seconds_since_1970())) return false;
  if (other) unlink(file.c_str());
  if (!create(file, own_claim())) return false;
  const std::lock_guard hold(mutex_);
  held_.insert(name);
  return true;
}

void Claims::release(const std::string& name) {
  const std::lock_guard hold(mutex_);
  if (held_.erase(name) > 0) unlink(file_of(name).c_str());
}

std::string Claims::holder(const std::string& name) const {
  const auto worker = worker_of(file_of(name));
  return worker ? text("pid ", worker->pid, " on ", worker->host) : "";
}

void Claims::beat() {
  const std::lock_guard hold(mutex_);
  for (const auto& name : held_) touch_file(file_of(name));
}

}  // namespace lamina::engine
