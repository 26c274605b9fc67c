// The model of an experiment before training, and with a checkpoint's weights.
#pragma once

#include "engine/experiment/experiment.hpp"
#include "engine/train/checkpoint.hpp"

#include <lamina/data/dataset.hpp>
#include <lamina/model/model.hpp>

#include <memory>
#include <string>

namespace lamina::engine {

/// Built, filled from the experiment's `weights`, with `train.trainable` applied. Its values are a function of the
/// seed: arms of a study that share parts start from the same values there.
std::shared_ptr<Model> initial_model(const Experiment& experiment, const DatasetInfo& dataset,
                                     const Registry& registry);

/// A fingerprint of the parameters that do not train.
std::string frozen_hash(const Model& model);

/// Weights as a checkpoint keeps them: everything, or what trains and all buffers (`contents: trainable`).
StateDict kept_weights(const Model& model, const std::string& contents);

enum class Weights { Trained, Averaged };
/// The checkpoint's tensors; Averaged takes the moving average where there is one.
StateDict weights_in(const Checkpoint& checkpoint, Weights weights);
/// Puts a checkpoint's weights into an initial_model() of its experiment. DataError when it was trained for another
/// number of classes, when names or shapes differ, or when frozen weights are not those it was trained with.
void restore_weights(Model& model, const Checkpoint& checkpoint, Weights weights);

}  // namespace lamina::engine
