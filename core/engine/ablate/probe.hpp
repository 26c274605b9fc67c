// What a run will cost, measured on a few steps and a few windows of it.
#pragma once

#include "engine/experiment/experiment.hpp"

#include <filesystem>

namespace lamina::engine {

struct RunCost {
  double step_seconds = 0;        // an optimizer step, reading and augmentation included
  double seconds_per_case = 0;    // to predict one
  double train_seconds = 0;       // all steps and validations
  double infer_seconds = 0;       // all test cases
  int64_t peak_memory_bytes = 0;  // of the process

  ConfigNode to_node() const;
  static RunCost from_node(const ConfigNode& node);
};

/// Trains a few steps on one training case and predicts the first windows of a test case; everything it writes lies in
/// `scratch`, a folder of its own. What steps cost without a cache of the encoder's features is what is measured.
RunCost probe(const Experiment& experiment, const std::filesystem::path& scratch, const Registry& registry);

/// Where a probe in a process of its own leaves RunCost.
std::filesystem::path probe_file(const std::filesystem::path& folder);

}  // namespace lamina::engine
