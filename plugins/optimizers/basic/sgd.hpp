// Stochastic gradient descent with momentum.
#pragma once

#include "moments.hpp"

namespace lamina {

struct SgdOptions : optimizer_basic::SlotOptions {
  double momentum = 0.99;
  bool nesterov = true;
  SgdOptions() : SlotOptions{0.01, 3e-5} {}
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class Sgd : public optimizer_basic::SlotOptimizer {
 public:
  using Options = SgdOptions;
  Sgd(const Options& options, const OptimizerContext& context);

 private:
  void update(optimizer_basic::Lists& lists, double learning_rate, double weight_decay) const override;

  Options options_;
};

}  // namespace lamina
