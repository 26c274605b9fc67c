// Trains one run; the same call again resumes and ends bit-equal to an uninterrupted run.
#pragma once

#include "engine/data/prepared.hpp"
#include "engine/run/run_folder.hpp"

#include <lamina/plugin/registry.hpp>

namespace lamina::engine {

struct TrainResult {
  int64_t epochs = 0;
  double best_score = 0, seconds = 0;
  std::string stopped_early;  // why; "" where it went to its last epoch
};

/// Keeps epoch, times, memory and score in the folder's status; its state ("done", "stopped", "failed") is the
/// caller's. Returns at once when training is done already. Throws Interrupted after saving when asked to stop.
/// `others`: curves.csv of the runs that `train.stop` compares with.
TrainResult train(const Experiment& experiment, PreparedDataset& data, const RunFolder& folder,
                  const Registry& registry, const std::vector<std::filesystem::path>& others = {});

}  // namespace lamina::engine
