// What training minimises.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/batch.hpp>
#include <lamina/model/prediction.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>

namespace lamina {

struct LossSetup {
  int64_t classes = 2;
  std::optional<int64_t> ignore;
};

struct LossContext {
  int64_t epoch = 0, step = 0, max_steps = 1;
  torch::Generator generator;                                  ///< for sampling; f(seed, step)
  std::function<torch::Tensor(torch::Tensor)> all_reduce;      ///< sum over ranks; empty: one rank
};

/// The loss is the sum of weight * value.
struct LossTerm {
  std::string name;
  torch::Tensor value;  ///< scalar
  double weight = 1;
};

class LAMINA_API Loss : public torch::nn::Module {
 public:
  static constexpr const char* kKind = "loss";
  using Interface = Loss;
  using Context = LossSetup;
  ~Loss() override;
  virtual std::vector<LossTerm> compute(const Prediction& prediction, const Batch& batch, const LossContext& context) = 0;
};

}  // namespace lamina
