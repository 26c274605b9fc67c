// A dataset with its `prepare` transforms applied and cached on disk by hash.
#pragma once

#include "engine/data/locations.hpp"
#include "engine/experiment/experiment.hpp"

#include <lamina/data/dataset.hpp>
#include <lamina/data/transform.hpp>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace lamina::engine {

/// The prepare chain and what it learned; made from a dataset (fit) or restored from a checkpoint.
class PrepareChain {
 public:
  PrepareChain(const std::vector<ConfigNode>& entries, const TransformContext& context, const Registry& registry);
  /// Fits every transform on the training cases, in order.
  void fit(const Dataset& dataset, const std::vector<std::string>& training_ids);
  /// "prepare.<index>.<name>" -> tensor, as a checkpoint keeps it.
  TensorDict state() const;
  void restore(const TensorDict& state);
  Case apply(Case raw) const;
  /// Frames before each step, the prepared one last: what inverse() needs.
  Case apply(Case raw, std::vector<Frame>& frames) const;
  /// Sinks that bring scores from the prepared grid back to the raw one. Scores go into the last of them (back()); its
  /// neighbours follow, and the first ends in `last`. Empty: no step changes the grid, scores go straight into `last`.
  /// `frames` from apply().
  std::vector<std::unique_ptr<SlabSink>> inverse(const std::vector<Frame>& frames, SlabSink& last) const;

 private:
  Case step(size_t index, Case one) const;
  std::vector<std::string> names_;
  std::vector<std::shared_ptr<Transform>> transforms_;
  std::vector<TensorDict> states_;
};

struct PreparedCase {
  Case content;  // images float32, labels int16 [1, D, H, W]; mapped from the cache file: copy before writing
  ClassLocations locations;
};

class PreparedDataset {
 public:
  /// `cache` is the folder of cached cases of this prepare hash (safetensors, mapped in memory when read).
  PreparedDataset(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const PrepareChain> chain,
                  std::filesystem::path cache);
  const Dataset& dataset() const { return *dataset_; }
  const PrepareChain& chain() const { return *chain_; }
  std::shared_ptr<const PrepareChain> shared_chain() const { return chain_; }
  const std::filesystem::path& folder() const { return cache_; }  ///< where the prepared cases lie
  /// Prepares all cases that are not cached yet, with progress, on several threads (0: all cores).
  void warm(const std::vector<std::string>& ids, int64_t threads);
  /// Thread safe.
  PreparedCase load(const std::string& id) const;

 private:
  class Claim;
  std::filesystem::path file_of(const std::string& id) const;
  std::shared_ptr<const PreparedCase> open(const std::string& id) const;
  void prepare(const std::string& id) const;

  std::shared_ptr<const Dataset> dataset_;
  std::shared_ptr<const PrepareChain> chain_;
  std::filesystem::path cache_;
  mutable std::mutex mutex_;
  mutable std::condition_variable ready_;
  mutable std::set<std::string> working_;  // cases that some thread prepares now
  mutable std::map<std::string, std::shared_ptr<const PreparedCase>> open_;
};

}  // namespace lamina::engine
