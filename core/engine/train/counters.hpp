// Where training stands: everything besides tensors that a resumed run needs.
#pragma once

#include <lamina/options/config_node.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace lamina::engine {

/// Sums over the steps of the epoch that is under way.
struct EpochSums {
  int64_t steps = 0;
  double loss = 0, grad_norm = 0, seconds = 0, rate = 0;
  std::map<std::string, double> terms;
};

struct Counters {
  int64_t epoch = 0;           // finished epochs
  int64_t step = 0;            // finished optimizer steps, over all epochs
  double seconds = 0;          // of training, over all sessions
  std::optional<double> best;  // score so far
  int64_t best_epoch = 0;
  std::string stopped;  // why it ended early; "" where it did not
  EpochSums sums;

  ConfigNode to_node() const;
  static Counters from_node(const ConfigNode& node);
};

}  // namespace lamina::engine
