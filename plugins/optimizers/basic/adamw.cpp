// AdamW: Adam with weight decay apart from the gradient.
#include "adamw.hpp"

#include <torch/torch.h>

namespace lamina {

void AdamWOptions::bind(OptionBinder& o) {
  o.field("lr", lr, "Base learning rate", AtLeast{0});
  o.field("weight_decay", weight_decay, "Share of a weight taken away per step, times the learning rate", AtLeast{0});
  o.field("betas", betas, "Memory of the mean and of the square of the gradient", Range{0, 1});
  o.field("eps", eps, "Added to the root of the square", AtLeast{0});
  o.field("decay", decay, "all: every parameter decays; weights: norms and biases do not", OneOf{"all", "weights"});
}

void AdamWOptions::check(OptionErrors& errors, const std::string& where) const {
  if (betas[0] >= 1 || betas[1] >= 1) errors.add(where + ".betas", "must be below 1");
}

AdamW::AdamW(const Options& options, const OptimizerContext& context)
    : options_(options), slots_(context, {"exp_avg", "exp_avg_sq"}, options.decay == "all") {}

void AdamW::step(double learning_rate) {
  torch::NoGradGuard no_grad;
  for (const bool decays : {true, false}) {
    auto lists = slots_.next(decays);
    if (lists.parameters.empty()) continue;
    at::_fused_adamw_(lists.parameters, lists.gradients, lists.moments[0], lists.moments[1], {}, lists.steps,
                      learning_rate, options_.betas[0], options_.betas[1], decays ? options_.weight_decay : 0.0,
                      options_.eps, false, false);
  }
}

}  // namespace lamina
