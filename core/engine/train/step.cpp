// Runs optimizer steps and refuses to go on with numbers that are none.
#include "engine/train/step.hpp"

#include "engine/data/collate.hpp"
#include "engine/train/precision.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

uint64_t step_seed(uint64_t seed, const char* purpose, int64_t step) {
  return Random(seed, {hash_name(purpose), static_cast<uint64_t>(step)}).bits();
}

torch::Tensor total_of(const std::vector<LossTerm>& terms) {
  torch::Tensor total;
  for (const auto& term : terms) {
    const torch::Tensor part = term.value * term.weight;
    total = total.defined() ? total + part : part;
  }
  if (!total.defined()) throw Error("the loss has no terms");
  return total;
}

std::string values_of(const std::vector<LossTerm>& terms) {
  std::vector<std::string> values;
  for (const auto& term : terms) values.push_back(text(term.name, " ", term.value.item<double>()));
  return join(values);
}

/// Name of the first parameter whose gradient is no number.
std::string culprit(const NamedParameters& parameters) {
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined() && !parameter.grad().isfinite().all().item<bool>()) return name;
  }
  return "their sum overflows";
}

constexpr const char* kRemedy =
    "; a smaller learning rate, `train.clip` or full precision (`train.amp`: none) may help";

}  // namespace

NamedParameters trainable_parameters(const Model& model) {
  NamedParameters parameters;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

TrainStep::TrainStep(std::shared_ptr<Model> model, std::shared_ptr<Loss> loss, std::shared_ptr<Optimizer> optimizer,
                     StepSetup setup)
    : model_(std::move(model)),
      loss_(std::move(loss)),
      optimizer_(std::move(optimizer)),
      setup_(std::move(setup)),
      parameters_(trainable_parameters(*model_)) {}

std::string TrainStep::Where::text() const {
  return lamina::text("epoch ", epoch + 1, ", step ", step, ", cases ", join(cases));
}

LossContext TrainStep::context(int64_t epoch, int64_t step) const {
  return {epoch, step, setup_.max_steps, at::detail::createCPUGenerator(step_seed(setup_.seed, "loss", step)), {}};
}

std::vector<LossTerm> TrainStep::terms(Mode mode, Batch batch, int64_t epoch, int64_t step) const {
  batch = to_device(std::move(batch), setup_.device);
  const Prediction prediction = [&] {
    const Autocast autocast(setup_.amp, setup_.device);
    return forward(*model_, mode, batch, setup_.seed, epoch, rows_.get());
  }();
  return loss_->compute(in_full_precision(prediction), batch, context(epoch, step));
}

void TrainStep::learn_from(Batch batch, Where& where, StepResult& result) {
  const auto share = static_cast<double>(setup_.accumulate);
  where.cases.insert(where.cases.end(), batch.ids.begin(), batch.ids.end());
  const auto parts = terms(Mode::Train, std::move(batch), where.epoch, where.step);
  const torch::Tensor total = total_of(parts);
  const auto value = total.item<double>();
  if (!std::isfinite(value))
    throw Error(text("the loss became ", value, " (", values_of(parts), ") at ", where.text(), kRemedy));
  (total / share).backward();
  result.loss += value / share;
  for (const auto& part : parts) result.terms[part.name] += part.value.item<double>() / share;
}

double TrainStep::check_gradient(const Where& where) const {
  std::vector<torch::Tensor> norms;
  for (const auto& [name, parameter] : parameters_) {
    if (parameter.grad().defined()) norms.push_back(parameter.grad().detach().norm());
  }
  if (norms.empty())
    throw Error(text("no trainable parameter got a gradient at ", where.text(), "; does the loss depend on them?"));
  const auto norm = torch::stack(norms).norm().item<double>();
  if (std::isfinite(norm)) return norm;
  throw Error(text("the gradient became ", norm, " (", culprit(parameters_), ") at ", where.text(), kRemedy));
}

void TrainStep::clip(double norm) const {
  constexpr double kTiny = 1e-6;
  if (!setup_.clip || norm <= *setup_.clip) return;
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters_) {
    if (parameter.grad().defined()) parameter.grad().mul_(*setup_.clip / (norm + kTiny));
  }
}

StepResult TrainStep::run(int64_t epoch, int64_t step, double rate, const std::function<Batch()>& next) {
  torch::manual_seed(step_seed(setup_.seed, "network", step));  // dropout: resumed runs draw the same
  optimizer_->zero_grad();
  Where where{epoch, step, {}};
  StepResult result;
  for (int64_t i = 0; i < setup_.accumulate; ++i) learn_from(next(), where, result);
  result.grad_norm = check_gradient(where);
  clip(result.grad_norm);
  optimizer_->step(rate);
  return result;
}

double TrainStep::measure(Batch batch) const {
  const torch::NoGradGuard no_grad;
  return total_of(terms(Mode::Infer, std::move(batch), 0, 0)).item<double>();
}

}  // namespace lamina::engine
