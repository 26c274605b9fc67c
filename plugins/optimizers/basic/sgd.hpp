// Stochastic gradient descent with momentum.
#pragma once

#include "moments.hpp"

#include <lamina/options/binder.hpp>

#include <string>

namespace lamina {

struct SgdOptions {
  double lr = 0.01, momentum = 0.99, weight_decay = 3e-5;
  bool nesterov = true;
  std::string decay = "all";
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class Sgd : public Optimizer {
 public:
  using Options = SgdOptions;
  Sgd(const Options& options, const OptimizerContext& context);
  double base_rate() const override { return options_.lr; }
  void step(double learning_rate) override;
  void zero_grad() override { slots_.zero_grad(); }
  TensorDict state() const override { return slots_.state(); }
  void load(const TensorDict& state) override { slots_.load(state); }

 private:
  Options options_;
  optimizer_basic::Slots slots_;
};

}  // namespace lamina
