// Cross-entropy plus soft Dice with deep supervision, as nnU-Net computes it.
#pragma once

#include <lamina/objective/loss.hpp>
#include <lamina/options/binder.hpp>

#include <vector>

namespace lamina {

struct DiceCeOptions {
  double weight_ce = 1, weight_dice = 1, smooth = 1e-5;
  bool batch_dice = false, background = false;
  std::vector<double> deep_supervision;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class DiceCe : public Loss {
 public:
  using Options = DiceCeOptions;
  DiceCe(const Options& options, const LossSetup& setup);
  std::vector<LossTerm> compute(const Prediction& prediction, const Batch& batch, const LossContext& context) override;

 private:
  struct Parts {
    torch::Tensor ce, dice;
  };
  Parts at_resolution(const Output& output, const torch::Tensor& labels, const LossContext& context) const;
  torch::Tensor dice(const torch::Tensor& probabilities, const torch::Tensor& target, const torch::Tensor& counted,
                     const LossContext& context) const;
  std::vector<double> weights(size_t outputs) const;

  Options options_;
  LossSetup setup_;
};

}  // namespace lamina
