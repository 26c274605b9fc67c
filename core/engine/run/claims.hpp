// Who works on what, in a folder that several processes and hosts share.
#pragma once

#include "engine/run/heartbeat.hpp"

#include <filesystem>
#include <mutex>
#include <set>
#include <string>

namespace lamina::engine {

/// A claim is a small file that names process and host; its time stamp is the heartbeat. It ends with release(), or
/// with the process: at once for others on its host, after kStaleHeartbeat for those elsewhere.
class Claims {
 public:
  /// `folder` is made with the first claim.
  explicit Claims(std::filesystem::path folder);
  /// Releases what is still held.
  ~Claims();
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;

  /// False while somebody else works on `name`. StorageError when the claim cannot be written.
  bool take(const std::string& name);
  void release(const std::string& name);
  /// "pid 4711 on node7": who holds it; "" when nobody does.
  std::string holder(const std::string& name) const;

 private:
  std::filesystem::path file_of(const std::string& name) const { return folder_ / name; }
  void beat();

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::set<std::string> held_;
  Heartbeat heart_;
};

}  // namespace lamina::engine
