// Cross-entropy plus soft Dice with deep supervision, as nnU-Net computes it.
#pragma once

#include <lamina/objective/loss.hpp>
#include <lamina/options/binder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct DiceCeOptions {
  double weight_ce = 1, weight_dice = 1, smooth = 1e-5;
  bool batch_dice = false, background = false, squared = false;
  std::string resolution = "image";
  std::vector<double> deep_supervision;
  std::optional<double> finest_start;
  double finest_growth = 0.99;
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
  /// Class logits [B, K, D, h, w] against labels [B, 1, D, H, W].
  Parts at_resolution(const torch::Tensor& classes, const torch::Tensor& labels, const LossContext& context) const;
  torch::Tensor logits_of(const Output& output, const torch::Tensor& labels) const;
  torch::Tensor dice(const torch::Tensor& probabilities, const torch::Tensor& target, const torch::Tensor& counted,
                     const LossContext& context) const;
  /// Of each resolution, finest first; their sum is 1.
  std::vector<double> weights(size_t outputs, int64_t epoch) const;

  Options options_;
  LossSetup setup_;
};

}  // namespace lamina
