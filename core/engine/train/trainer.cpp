// The door to training.
#include "engine/train/trainer.hpp"

#include "engine/train/training.hpp"

namespace lamina::engine {

TrainResult train(const Experiment& experiment, PreparedDataset& data, const RunFolder& folder,
                  const Registry& registry) {
  return Training(experiment, data, folder, registry).run();
}

}  // namespace lamina::engine
