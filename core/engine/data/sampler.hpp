// Patches for training: which case, where, augmented how, is a function of (seed, epoch, sample) alone.
#pragma once

#include "engine/data/prepared.hpp"

#include <lamina/base/random.hpp>
#include <lamina/data/batch.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina::engine {

struct SamplerSetup {
  std::vector<std::string> ids;  // cases are drawn uniformly from these
  Size3 patch{1, 1, 1};
  int64_t batch = 2, accumulate = 1;
  double foreground = 0.33;  // share of patches centred on a foreground voxel
  uint64_t seed = 1;
};

/// Thread safe. The dataset must outlive it.
class Sampler {
 public:
  Sampler(const PreparedDataset& data, SamplerSetup setup, const std::vector<ConfigNode>& augment,
          const TransformContext& context, const Registry& registry);

  /// The `index`-th batch of an epoch: images [B, C, D, H, W] float32, labels [B, 1, D, H, W] int64.
  Batch batch(int64_t epoch, int64_t index) const;
  /// One augmented patch. Errors name the case.
  Case sample(int64_t epoch, int64_t index) const;
  /// Whether that sample must contain foreground: the last round(n * foreground) of the n samples of an optimizer step,
  /// as in nnU-Net; where n is 1, by chance.
  bool forced(int64_t index, Random random) const;

 private:
  struct Step {
    std::string name;
    std::shared_ptr<Transform> transform;
    Size3 leaves;  // what later steps need of its result; the rest is cut off at once
  };
  Box place(const PreparedCase& one, bool foreground, Random& random) const;
  Case augmented(Case one, const Random& random) const;

  const PreparedDataset& data_;
  SamplerSetup setup_;
  std::vector<Step> augment_;
  Size3 cut_;  // the patch enlarged by what augmentation reaches beyond it
};

}  // namespace lamina::engine
