// Locks on folders. A lock goes away with its process, however that ends.
#pragma once

#include <filesystem>
#include <memory>

namespace lamina::engine {

/// Alone: nobody else has the folder. Shared: others may have it too, but nobody alone.
enum class Hold { Alone, Shared };
enum class Busy { Refuse, Wait };

class FolderLock {
 public:
  /// Makes the folder if need be. Where another process holds it in a way that does not go with this one: Error, or
  /// waits for it.
  explicit FolderLock(const std::filesystem::path& folder, Hold hold = Hold::Alone, Busy busy = Busy::Refuse);
  /// Null where another process holds it.
  static std::unique_ptr<FolderLock> attempt(const std::filesystem::path& folder, Hold hold);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// Lets others have it too from now on.
  void share();

 private:
  FolderLock() = default;
  bool lock(const std::filesystem::path& folder, Hold hold, Busy busy);

  int handle_ = -1;
};

}  // namespace lamina::engine
