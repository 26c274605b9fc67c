// What the optimizers share: parameters by name, tensors beside each of them, and their way in and out of checkpoints.
#pragma once

#include <lamina/objective/optimizer.hpp>
#include <lamina/options/binder.hpp>

#include <string>
#include <vector>

namespace lamina::optimizer_basic {

/// One parameter with its step count and moments.
struct Slot {
  std::string name;
  torch::Tensor parameter, step;
  std::vector<torch::Tensor> moments;
  bool decays = true;
};

/// The slots of one weight decay that have a gradient in this step, as the lists that torch's fused kernels take.
struct Lists {
  std::vector<torch::Tensor> parameters, gradients, steps;
  std::vector<std::vector<torch::Tensor>> moments;  // [moment][slot]
};

class Slots {
 public:
  /// `decay_all` false: tensors of one dimension (norms, biases) are left out of weight decay.
  Slots(const OptimizerContext& context, std::vector<std::string> moments, bool decay_all);
  /// Counts a step for every slot with a gradient and lists those that decay, or those that do not.
  Lists next(bool decays);
  void zero_grad();
  TensorDict state() const;
  /// Error naming what is missing, unknown or of another shape.
  void load(const TensorDict& state);

 private:
  std::vector<std::string> moments_;
  std::vector<Slot> slots_;
};

/// What every optimizer here lets its user choose.
struct SlotOptions {
  double lr = 0, weight_decay = 0;
  std::string decay = "all";

 protected:
  void bind_decay(OptionBinder& o);
};

/// An optimizer whose whole state is its slots; update() is what makes it the one or the other.
class SlotOptimizer : public Optimizer {
 public:
  double base_rate() const final { return rate_; }
  void step(double learning_rate) final;
  void zero_grad() final { slots_.zero_grad(); }
  TensorDict state() const final { return slots_.state(); }
  void load(const TensorDict& state) final { slots_.load(state); }

 protected:
  SlotOptimizer(const SlotOptions& options, const OptimizerContext& context, std::vector<std::string> moments);

 private:
  /// One step of the parameters that are listed, at least one, with their moments.
  virtual void update(Lists& lists, double learning_rate, double weight_decay) const = 0;

  double rate_, weight_decay_;
  Slots slots_;
};

}  // namespace lamina::optimizer_basic
