// A dataset with its `prepare` transforms applied and cached on disk by hash.
#pragma once

#include "engine/experiment/experiment.hpp"

#include <lamina/data/dataset.hpp>
#include <lamina/data/transform.hpp>

#include <filesystem>
#include <map>
#include <memory>
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
  /// Sinks for scores on the prepared grid, ending in `last` on the raw grid. `frames` from apply().
  std::vector<std::unique_ptr<SlabSink>> inverse(const std::vector<Frame>& frames, SlabSink& last) const;

 private:
  std::vector<std::shared_ptr<Transform>> transforms_;
  std::vector<TensorDict> states_;
};

/// Voxels by class, for foreground oversampling: [n, 3] int32 (z, y, x), at most 10000 a class.
using ClassLocations = std::map<int64_t, torch::Tensor>;

struct PreparedCase {
  Case content;  // images float32, labels int16 [1, D, H, W]
  ClassLocations locations;
};

class PreparedDataset {
 public:
  /// `cache` is the folder of cached cases of this prepare hash (safetensors, mapped in memory when read).
  PreparedDataset(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const PrepareChain> chain, std::filesystem::path cache);
  const Dataset& dataset() const { return *dataset_; }
  const PrepareChain& chain() const { return *chain_; }
  /// Prepares all cases that are not cached yet, with progress, on several threads.
  void warm(const std::vector<std::string>& ids, int64_t threads);
  /// Thread safe.
  PreparedCase load(const std::string& id) const;

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::shared_ptr<const PrepareChain> chain_;
  std::filesystem::path cache_;
};

}  // namespace lamina::engine
