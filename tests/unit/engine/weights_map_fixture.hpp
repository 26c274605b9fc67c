// A tiny model and its weights in a file: what tests of weight maps stand on.
#pragma once

#include "training_fixture.hpp"

#include "engine/train/initial_model.hpp"

#include <lamina/model/safetensors.hpp>

#include <memory>
#include <string>

namespace lamina::engine::testing {

class WeightsMaps : public TrainingTest {
 protected:
  std::shared_ptr<Model> build(const std::string& section, const ModelSetup& setup) const {
    return Model::build(registry, ConfigNode::parse(section), setup);
  }
  DatasetInfo balls() const { return Balls({}, {}).info(); }

  /// The tiny model of these tests, its weights in a file beside the experiment.
  StateDict write_weights(const std::string& file) const {
    StateDict state;
    for (const auto& [name, tensor] : kept_weights(*initial_model(experiment(), balls(), registry), "all"))
      state[name] = tensor.detach().clone() + 1;
    write_safetensors(folder / file, state);
    return state;
  }
};

}  // namespace lamina::engine::testing
