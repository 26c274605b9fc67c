// Locks folders by flock(2) on the folder itself, so that no lock file lies around.
#include "engine/run/folder_lock.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lamina::engine {

FolderLock::FolderLock(const std::filesystem::path& folder, Hold hold, Busy busy) {
  if (lock(folder, hold, busy)) return;
  throw Error(text("another lamina is working in ", folder.string(), "; wait for it, or give --runs another folder"));
}

std::unique_ptr<FolderLock> FolderLock::attempt(const std::filesystem::path& folder, Hold hold) {
  std::unique_ptr<FolderLock> taken(new FolderLock);
  return taken->lock(folder, hold, Busy::Refuse) ? std::move(taken) : nullptr;
}

/// False where somebody else has it.
bool FolderLock::lock(const std::filesystem::path& folder, Hold hold, Busy busy) {
  make_folder(folder);
  handle_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle_ < 0) throw StorageError(text("cannot open the folder ", folder.string(), ": ", std::strerror(errno)));
  const int how = (hold == Hold::Alone ? LOCK_EX : LOCK_SH) | (busy == Busy::Refuse ? LOCK_NB : 0);
  if (flock(handle_, how) == 0) return true;
  const int reason = errno;
  close(handle_);
  // Some network file systems know no locks: then nothing is guarded, as before.
  handle_ = -1;
  return reason != EWOULDBLOCK;
}

void FolderLock::share() {
  if (handle_ >= 0) flock(handle_, LOCK_SH);
}

FolderLock::~FolderLock() {
  if (handle_ >= 0) close(handle_);
}

}  // namespace lamina::engine
