// AdamW: Adam with weight decay apart from the gradient.
#pragma once

#include "moments.hpp"

#include <array>

namespace lamina {

struct AdamWOptions : optimizer_basic::SlotOptions {
  double eps = 1e-8;
  std::array<double, 2> betas{0.9, 0.999};
  AdamWOptions() : SlotOptions{1e-3, 0.01} {}
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class AdamW : public optimizer_basic::SlotOptimizer {
 public:
  using Options = AdamWOptions;
  AdamW(const Options& options, const OptimizerContext& context);

 private:
  void update(optimizer_basic::Lists& lists, double learning_rate, double weight_decay) const override;

  Options options_;
};

}  // namespace lamina
