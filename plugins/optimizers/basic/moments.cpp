// What the optimizers share: parameters by name, tensors beside each of them, and their way in and out of checkpoints.
#include "moments.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <torch/utils.h>

namespace lamina::optimizer_basic {
namespace {

torch::Tensor copy_of(const torch::Tensor& target, const TensorDict& state, const std::string& name) {
  const auto found = state.find(name);
  if (found == state.end())
    throw DataError(text("the optimizer's state lacks '", name, "'; was another set of parameters trained?"));
  if (found->second.sizes() != target.sizes()) {
    throw DataError(text("the optimizer's state '", name, "' has the shape [", join(found->second.sizes()),
                         "], expected [", join(target.sizes()), "]"));
  }
  return found->second.detach().to(target.options()).clone();
}

// The fused kernels walk through memory: a gradient must lie as its parameter does.
torch::Tensor laid_out_as(const torch::Tensor& gradient, const torch::Tensor& parameter) {
  return gradient.strides() == parameter.strides() ? gradient : torch::empty_like(parameter).copy_(gradient);
}

}  // namespace

Slots::Slots(const OptimizerContext& context, std::vector<std::string> moments, bool decay_all)
    : moments_(std::move(moments)) {
  torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : context.parameters) {
    Slot slot{name,
              parameter,
              torch::zeros({}, torch::TensorOptions().device(parameter.device())),
              {},
              decay_all || parameter.dim() > 1};
    for (size_t i = 0; i < moments_.size(); ++i) slot.moments.push_back(torch::zeros_like(parameter));
    slots_.push_back(std::move(slot));
  }
}

Lists Slots::next(bool decays) {
  Lists lists;
  lists.moments.resize(moments_.size());
  for (auto& slot : slots_) {
    const torch::Tensor gradient = slot.parameter.grad();
    if (slot.decays != decays || !gradient.defined()) continue;
    lists.parameters.push_back(slot.parameter);
    lists.gradients.push_back(laid_out_as(gradient, slot.parameter));
    lists.steps.push_back(slot.step.add_(1));
    for (size_t i = 0; i < moments_.size(); ++i) lists.moments[i].push_back(slot.moments[i]);
  }
  return lists;
}

void Slots::zero_grad() {
  for (auto& slot : slots_) slot.parameter.mutable_grad() = torch::Tensor();
}

TensorDict Slots::state() const {
  TensorDict state;
  for (const auto& slot : slots_) {
    state[slot.name + ".step"] = slot.step.clone();
    for (size_t i = 0; i < moments_.size(); ++i) state[text(slot.name, ".", moments_[i])] = slot.moments[i].clone();
  }
  return state;
}

void Slots::load(const TensorDict& state) {
  torch::NoGradGuard no_grad;
  const size_t expected = slots_.size() * (1 + moments_.size());
  if (state.size() != expected) {
    throw DataError(text("the optimizer's state has ", state.size(), " tensors, expected ", expected,
                         "; was another optimizer or another set of parameters trained?"));
  }
  for (auto& slot : slots_) {
    slot.step = copy_of(slot.step, state, slot.name + ".step");
    for (size_t i = 0; i < moments_.size(); ++i)
      slot.moments[i] = copy_of(slot.moments[i], state, text(slot.name, ".", moments_[i]));
  }
}

void SlotOptions::bind_decay(OptionBinder& o) {
  o.field("decay", decay, "all: every parameter decays; weights: norms and biases do not", OneOf{"all", "weights"});
}

SlotOptimizer::SlotOptimizer(const SlotOptions& options, const OptimizerContext& context,
                             std::vector<std::string> moments)
    : rate_(options.lr),
      weight_decay_(options.weight_decay),
      slots_(context, std::move(moments), options.decay == "all") {}

void SlotOptimizer::step(double learning_rate) {
  torch::NoGradGuard no_grad;
  for (const bool decays : {true, false}) {
    Lists lists = slots_.next(decays);
    if (!lists.parameters.empty()) update(lists, learning_rate, decays ? weight_decay_ : 0.0);
  }
}

}  // namespace lamina::optimizer_basic
