// Features of a frozen encoder on disk: one safetensors file for each image that it saw, named by the image's SHA-256.
#pragma once

#include "engine/run/folder_lock.hpp"

#include <lamina/base/streams.hpp>
#include <lamina/model/features.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace lamina::engine {

/// root/IDENTITY/KEY.safetensors. The identity says which encoder made the features; another encoder has another
/// folder, so nothing in here is ever out of date. Files are whole or not there at all. Several processes may share a
/// folder.
class FeatureCache {
 public:
  /// Opens the encoder's folder, and deletes those of other encoders that nobody uses, the longest unused first, until
  /// `expected` bytes fit beside the rest into `limit` bytes.
  FeatureCache(const std::filesystem::path& root, const std::string& identity, int64_t limit, int64_t expected);

  /// Mapped into memory, on the CPU; none where the image was not seen yet or its file is damaged.
  std::optional<Streams<Features>> find(const std::string& key) const;
  /// Where the disk refuses, or the room is used up, it says so once and keeps nothing from then on.
  void keep(const std::string& key, const Streams<Features>& features);

  const std::filesystem::path& folder() const { return folder_; }
  int64_t bytes() const { return own_; }  ///< in this encoder's folder

 private:
  std::filesystem::path file_of(const std::string& key) const { return folder_ / (key + ".safetensors"); }
  void stop(const std::string& reason);

  std::filesystem::path folder_;
  std::unique_ptr<FolderLock> lock_;
  int64_t limit_, own_ = 0, others_ = 0;
  bool full_ = false;
};

}  // namespace lamina::engine
