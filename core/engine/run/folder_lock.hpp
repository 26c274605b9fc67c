// Locks on folders. A lock goes away with its process, however that ends.
#pragma once

#include <filesystem>

namespace lamina::engine {

/// Alone: nobody else has the folder. Shared: others may have it too, but nobody alone.
enum class Hold { Alone, Shared };

class FolderLock {
 public:
  /// Makes the folder if need be. Error when another process holds it in a way that does not go with this one.
  explicit FolderLock(const std::filesystem::path& folder, Hold hold = Hold::Alone);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int handle_ = -1;
};

}  // namespace lamina::engine
