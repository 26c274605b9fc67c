// The door to training.
#include "engine/train/trainer.hpp"

#include "engine/train/training.hpp"

namespace lamina::engine {

TrainResult train(const Experiment& experiment, PreparedDataset& data, const RunFolder& folder,
                  const Registry& registry, const std::vector<std::filesystem::path>& others) {
  return Training(experiment, data, folder, registry, others).run();
}

}  // namespace lamina::engine
