// A moving average of a model's weights.
#pragma once

#include <lamina/data/tensors.hpp>
#include <lamina/model/model.hpp>

namespace lamina::engine {

/// Averages what trains; buffers are taken as they are.
class Ema {
 public:
  Ema(const Model& model, double decay);
  void update(const Model& model);
  const StateDict& state() const { return average_; }
  void load(const StateDict& state);

 private:
  double decay_;
  StateDict average_;
};

/// While it lives the model predicts with the average; afterwards with its own weights again.
class AveragedWeights {
 public:
  AveragedWeights(Model& model, const StateDict& average);
  ~AveragedWeights();
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  Model& model_;
  StateDict own_;
};

}  // namespace lamina::engine
