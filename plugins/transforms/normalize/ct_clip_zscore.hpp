// Clips CT to the foreground's percentiles over the training set, then scales by the foreground's mean and spread.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct CtClipZscoreOptions {
  double low = 0.5, high = 99.5;
  int64_t samples = 10'000'000;

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class CtClipZscore : public Transform {
 public:
  using Options = CtClipZscoreOptions;
  CtClipZscore(const Options& options, const TransformContext& context);

  TensorDict fit(const std::vector<std::string>& training_ids,
                 const std::function<Case(const std::string&)>& load) override;
  void restore(const TensorDict& state) override;
  Case apply(Case one, Random& random) const override;

 private:
  Options options_;
  torch::Tensor statistics_;  // [C, 4] float64: low, high, mean, standard deviation
};

}  // namespace lamina
