// What a weights file is: whose model, which size, which map translates its names.
#pragma once

#include "engine/weights/weights_file.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

struct WeightsKind {
  std::string variant;               ///< "SAM ViT-B", "MobileSAM", "a checkpoint of lamina", "unknown"
  std::string map;                   ///< the map that fits; "none" where names are lamina's own or unknown
  std::vector<std::string> foreign;  ///< entries that no model takes with that map: no tensors, constants, optimizers
};

/// Decided by names and shapes alone.
WeightsKind kind_of(const WeightsList& list);

}  // namespace lamina::engine
