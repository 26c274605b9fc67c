// Stochastic gradient descent with momentum; the defaults are nnU-Net's.
#include "sgd.hpp"

#include <torch/utils.h>

namespace lamina {
namespace {

std::vector<std::string> moments_of(const SgdOptions& options) {
  return options.momentum == 0 ? std::vector<std::string>{} : std::vector<std::string>{"momentum_buffer"};
}

}  // namespace

void SgdOptions::bind(OptionBinder& o) {
  o.field("lr", lr, "Base learning rate", AtLeast{0});
  o.field("momentum", momentum, "Share of the last step that goes on; 0: none", Range{0, 1});
  o.field("nesterov", nesterov, "Look ahead along the momentum");
  o.field("weight_decay", weight_decay, "Share of a weight added to its gradient", AtLeast{0});
  bind_decay(o);
}

void SgdOptions::check(OptionErrors& errors, const std::string& where) const {
  if (momentum >= 1) errors.add(where + ".momentum", "must be below 1");
  if (nesterov && momentum == 0) errors.add(where + ".nesterov", "needs a momentum above 0; set \"nesterov\": false");
}

Sgd::Sgd(const Options& options, const OptimizerContext& context)
    : SlotOptimizer(options, context, moments_of(options)), options_(options) {}

void Sgd::update(optimizer_basic::Lists& lists, double learning_rate, double weight_decay) const {
  // A buffer of zeros makes the first step like every other: momentum * 0 + gradient.
  const std::vector<torch::Tensor> buffers = lists.moments.empty() ? std::vector<torch::Tensor>{} : lists.moments[0];
  at::_fused_sgd_(lists.parameters, lists.gradients, buffers, weight_decay, options_.momentum, learning_rate, 0.0,
                  options_.nesterov, false, false);
}

}  // namespace lamina
