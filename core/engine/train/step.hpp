// One optimizer step: forward, loss, backward, clipping, update.
#pragma once

#include "engine/encode/row_encoder.hpp"

#include <lamina/data/batch.hpp>
#include <lamina/model/model.hpp>
#include <lamina/objective/loss.hpp>
#include <lamina/objective/optimizer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lamina::engine {

using NamedParameters = std::vector<std::pair<std::string, torch::Tensor>>;

/// What trains, by name, in the model's order.
NamedParameters trainable_parameters(const Model& model);

struct StepSetup {
  uint64_t seed = 1;
  int64_t accumulate = 1;  // batches in a step
  int64_t max_steps = 1;
  std::optional<double> clip;
  std::string amp = "none";
  torch::Device device = torch::kCPU;
};

struct StepResult {
  double loss = 0, grad_norm = 0;       // the norm before clipping
  std::map<std::string, double> terms;  // unweighted
};

class TrainStep {
 public:
  TrainStep(std::shared_ptr<Model> model, std::shared_ptr<Loss> loss, std::shared_ptr<Optimizer> optimizer,
            StepSetup setup);

  /// Who encodes from now on; null: the model itself.
  void encode_by(std::shared_ptr<const RowEncoder> rows) { rows_ = std::move(rows); }
  /// Everything random in it is a function of (seed, step). Error naming epoch, step and cases when loss or gradient is
  /// no number.
  StepResult run(int64_t epoch, int64_t step, double rate, const std::function<Batch()>& next);
  /// The loss of a batch that the model does not learn from.
  double measure(Batch batch) const;

 private:
  struct Where {
    int64_t epoch, step;
    std::vector<std::string> cases;
    std::string text() const;
  };
  LossContext context(int64_t epoch, int64_t step) const;
  std::vector<LossTerm> terms(Mode mode, Batch batch, int64_t epoch, int64_t step) const;
  void learn_from(Batch batch, Where& where, StepResult& result);
  double check_gradient(const Where& where) const;
  void clip(double norm) const;

  std::shared_ptr<Model> model_;
  std::shared_ptr<Loss> loss_;
  std::shared_ptr<Optimizer> optimizer_;
  std::shared_ptr<const RowEncoder> rows_;
  StepSetup setup_;
  NamedParameters parameters_;
};

}  // namespace lamina::engine
