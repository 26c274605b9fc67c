// Keeps the moving average as plain tensors: modules cannot be copied.
#include "engine/train/ema.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <torch/types.h>

namespace lamina::engine {
namespace {

/// Handles of what trains.
StateDict trained(const Model& model) {
  StateDict state;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) state[item.key()] = item.value();
  }
  return state;
}

/// Copies without telling autograd.
void assign(const StateDict& target, const StateDict& source) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : source) {
    const auto found = target.find(name);
    if (found == target.end())
      throw DataError(text("the averaged weights have '", name, "', which does not train here"));
    found->second.detach().copy_(tensor);
  }
}

StateDict copies(const StateDict& state) {
  StateDict copied;
  for (const auto& [name, tensor] : state) copied[name] = tensor.detach().clone();
  return copied;
}

}  // namespace

Ema::Ema(const Model& model, double decay) : decay_(decay), average_(copies(trained(model))) {}

void Ema::update(const Model& model) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : trained(model)) average_.at(name).lerp_(tensor, 1 - decay_);
}

void Ema::load(const StateDict& state) { assign(average_, state); }

AveragedWeights::AveragedWeights(Model& model, const StateDict& average) : model_(model), own_(copies(trained(model))) {
  assign(trained(model_), average);
}

AveragedWeights::~AveragedWeights() { assign(trained(model_), own_); }

}  // namespace lamina::engine
