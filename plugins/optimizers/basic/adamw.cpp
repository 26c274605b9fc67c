// AdamW: Adam with weight decay apart from the gradient.
#include "adamw.hpp"

#include <torch/utils.h>

namespace lamina {

void AdamWOptions::bind(OptionBinder& o) {
  o.field("lr", lr, "Base learning rate", AtLeast{0});
  o.field("weight_decay", weight_decay, "Share of a weight taken away per step, times the learning rate", AtLeast{0});
  o.field("betas", betas, "Memory of the mean and of the square of the gradient", Range{0, 1});
  o.field("eps", eps, "Added to the root of the square", AtLeast{0});
  bind_decay(o);
}

void AdamWOptions::check(OptionErrors& errors, const std::string& where) const {
  if (betas[0] >= 1 || betas[1] >= 1) errors.add(where + ".betas", "must be below 1");
}

AdamW::AdamW(const Options& options, const OptimizerContext& context)
    : SlotOptimizer(options, context, {"exp_avg", "exp_avg_sq"}), options_(options) {}

void AdamW::update(optimizer_basic::Lists& lists, double learning_rate, double weight_decay) const {
  at::_fused_adamw_(lists.parameters, lists.gradients, lists.moments[0], lists.moments[1], {}, lists.steps,
                    learning_rate, options_.betas[0], options_.betas[1], weight_decay, options_.eps, false, false);
}

}  // namespace lamina
