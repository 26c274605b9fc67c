// Whether the features of a training's encoder are computed once and kept.
#pragma once

#include "engine/data/prepared.hpp"
#include "engine/encode/row_encoder.hpp"
#include "engine/experiment/experiment.hpp"

#include <lamina/model/model.hpp>

#include <memory>
#include <string>

namespace lamina::engine {

/// Why the encoder's features of a patch can change in the course of a training; empty: they cannot. The first of:
/// something in the encoder trains, an adapter in it keeps a state, `augment` changes patches. Needs train.trainable to
/// be applied.
std::string encoder_cache_obstacle(const Experiment& experiment, const Model& model);

/// ConfigError where runtime.encoder_cache is "on" and there is an obstacle.
void require_encoder_cache(const Experiment& experiment, const Model& model);

/// What a cache takes and gives.
struct CachePlan {
  int64_t patches = 0;  ///< different training patches
  int64_t samples = 0;  ///< patches that training draws in all
  int64_t bytes = 0;    ///< of the features of all patches; validation windows come on top
};
CachePlan plan_encoder_cache(const Experiment& experiment, const Model& model, const PreparedDataset& data);

/// Who encodes in this training; null: the model itself, batch by batch. Logs what is kept, where and how much, or why
/// not. The cache lies beside the prepared cases, in "encoder". ConfigError as require_encoder_cache, and where "on"
/// needs more room than runtime.encoder_cache_gib or the disk have.
std::unique_ptr<RowEncoder> row_encoder(const Experiment& experiment, const Model& model, const PreparedDataset& data,
                                        const Registry& registry);

}  // namespace lamina::engine
