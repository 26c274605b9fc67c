// AdamW: Adam with weight decay apart from the gradient.
#pragma once

#include "moments.hpp"

#include <lamina/options/binder.hpp>

#include <array>
#include <string>

namespace lamina {

struct AdamWOptions {
  double lr = 1e-3, weight_decay = 0.01, eps = 1e-8;
  std::array<double, 2> betas{0.9, 0.999};
  std::string decay = "all";
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class AdamW : public Optimizer {
 public:
  using Options = AdamWOptions;
  AdamW(const Options& options, const OptimizerContext& context);
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
