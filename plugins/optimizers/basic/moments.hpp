// What the optimizers share: parameters by name, tensors beside each of them, and their way in and out of checkpoints.
#pragma once

#include <lamina/objective/optimizer.hpp>

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

}  // namespace lamina::optimizer_basic
