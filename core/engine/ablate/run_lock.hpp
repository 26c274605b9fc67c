// One process at a time in a folder. The lock goes away with the process, however it ends.
#pragma once

#include <filesystem>

namespace lamina::engine {

class FolderLock {
 public:
  /// Makes the folder if need be. Error when another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int handle_ = -1;
};

}  // namespace lamina::engine
