// Several models as one: their class scores averaged.
#pragma once

#include "engine/encode/row_encoder.hpp"

#include <lamina/model/model.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina::engine {

/// The mean of the members' class scores: logits when all of them give logits (as nnU-Net does), else probabilities,
/// into which logits are turned. Prediction of one batch; its tensors may lie on any device.
class Ensemble {
 public:
  /// `amp`: "none" or "bf16". `rows` encodes for the only model; null: it does that itself.
  Ensemble(std::vector<std::shared_ptr<Model>> models, std::string amp, uint64_t seed,
           std::shared_ptr<const RowEncoder> rows = nullptr);
  Prediction forward(const Batch& batch) const;
  const std::vector<std::shared_ptr<Model>>& models() const { return models_; }

 private:
  std::vector<std::shared_ptr<Model>> models_;
  std::string amp_;
  uint64_t seed_;
  std::shared_ptr<const RowEncoder> rows_;
};

}  // namespace lamina::engine
