// Who updates the weights.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/tensors.hpp>

#include <string>
#include <utility>
#include <vector>

namespace lamina {

struct OptimizerContext {
  std::vector<std::pair<std::string, torch::Tensor>> parameters;  ///< trainable ones, by name, in the model's order
};

class LAMINA_API Optimizer {
 public:
  static constexpr const char* kKind = "optimizer";
  using Interface = Optimizer;
  using Context = OptimizerContext;
  virtual ~Optimizer();

  virtual double base_rate() const = 0;              ///< the experiment's `lr`
  virtual void step(double learning_rate) = 0;       ///< from the parameters' gradients
  virtual void zero_grad() = 0;
  /// "<parameter>.<moment>" and "<parameter>.step"; load() of it continues bit-equal.
  virtual TensorDict state() const = 0;
  virtual void load(const TensorDict& state) = 0;
};

}  // namespace lamina
