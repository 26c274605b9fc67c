#include "engine/encode/feature_cache.hpp"

#include "engine/data/mapped_tensors.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <algorithm>
#include <vector>

#include <torch/types.h>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "lamina features 1";

int64_t bytes_in(const fs::path& folder) {
  int64_t sum = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const auto size = entry.file_size(ignored);
    if (!ignored) sum += static_cast<int64_t>(size);
  }
  return sum;
}

/// What a killed process left half written; another one that works here now keeps its own.
void sweep(const fs::path& folder) {
  try {
    const FolderLock alone(folder);
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().filename().string().starts_with(".tmp-")) fs::remove(entry.path(), ignored);
    }
  } catch (const StorageError&) {
    throw;
  } catch (const Error&) {
    return;
  }
}

/// A folder that is surely there: another process may delete an unused one until it is locked.
std::unique_ptr<FolderLock> claim(const fs::path& folder) {
  while (true) {
    auto lock = std::make_unique<FolderLock>(folder, Hold::Shared);
    if (fs::exists(folder)) return lock;
  }
}

/// Frees `wanted` bytes if it can; the bytes that stay.
int64_t make_room(const fs::path& root, const fs::path& own, int64_t limit) {
  struct Other {
    fs::path folder;
    fs::file_time_type used;
    int64_t bytes;
  };
  std::vector<Other> others;
  int64_t sum = 0;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (!entry.is_directory() || entry.path() == own) continue;
    others.push_back({entry.path(), entry.last_write_time(), bytes_in(entry.path())});
    sum += others.back().bytes;
  }
  std::ranges::sort(others, {}, &Other::used);
  for (const auto& other : others) {
    if (sum <= limit) break;
    try {
      const FolderLock alone(other.folder);
      fs::remove_all(other.folder);
    } catch (const Error&) {
      continue;  // in use
    }
    log_info(text("encoder cache: deleted ", human_bytes(other.bytes), " of an encoder that was not used lately (",
                  other.folder.filename().string(), ")"));
    sum -= other.bytes;
  }
  return sum;
}

std::string tensor_name(const std::string& stream, const std::string& feature) { return stream + "/" + feature; }

}  // namespace

FeatureCache::FeatureCache(const fs::path& root, const std::string& identity, int64_t limit, int64_t expected)
    : folder_(root / identity), limit_(limit) {
  make_folder(folder_);
  sweep(folder_);
  lock_ = claim(folder_);
  std::error_code ignored;
  fs::last_write_time(folder_, fs::file_time_type::clock::now(), ignored);
  own_ = bytes_in(folder_);
  others_ = make_room(root, folder_, limit - std::max(own_, expected));
}

std::optional<Streams<Features>> FeatureCache::find(const std::string& key) const {
  std::error_code ignored;
  if (!fs::exists(file_of(key), ignored)) return std::nullopt;
  try {
    const SafetensorsFile file = map_safetensors(file_of(key));
    if (file.metadata.at("format") != kFormat || file.metadata.at("key") != key)
      throw DataError("it is of another image");
    Streams<Features> streams;
    for (const auto& name : split(file.metadata.at("features"), '\n')) {  // in the encoder's order
      const auto slash = name.find('/');
      const std::string stream = name.substr(0, slash);
      if (!streams.contains(stream)) streams.set(stream, {});
      streams.at(stream).set(name.substr(slash + 1), file.tensors.at(name));
    }
    return streams;
  } catch (const std::exception& problem) {
    log_warning(text("encoder cache: ", file_of(key).string(), " is made again: ", problem.what()));
    return std::nullopt;
  }
}

void FeatureCache::keep(const std::string& key, const Streams<Features>& features) {
  if (full_) return;
  TensorDict tensors;
  std::vector<std::string> names;
  int64_t bytes = 0;
  for (const auto& [stream, items] : features) {
    for (const auto& [name, tensor] : items.items()) {
      names.push_back(tensor_name(stream, name));
      tensors[names.back()] = tensor.cpu();
      bytes += static_cast<int64_t>(tensor.nbytes());
    }
  }
  if (own_ + others_ + bytes > limit_) {
    stop(text("its room of ", human_bytes(limit_), " is used up; runtime.encoder_cache_gib gives more"));
    return;
  }
  try {
    write_safetensors(file_of(key), tensors, {{"format", kFormat}, {"key", key}, {"features", join(names, "\n")}});
    own_ += bytes;
  } catch (const StorageError& problem) {
    stop(problem.what());
  }
}

void FeatureCache::stop(const std::string& reason) {
  full_ = true;
  log_warning(text("encoder cache: no more features are kept, the rest is computed: ", reason));
}

}  // namespace lamina::engine
