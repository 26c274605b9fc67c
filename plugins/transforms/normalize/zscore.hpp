// Mean 0 and standard deviation 1 for every image and channel.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct ZscoreOptions {
  std::string mask = "none";

  void bind(OptionBinder& o);
};

class Zscore : public Transform {
 public:
  using Options = ZscoreOptions;
  Zscore(const Options& options, const TransformContext& context);
  Case apply(Case one, Random& random) const override;

 private:
  torch::Tensor normalize(const torch::Tensor& image) const;

  Options options_;
};

}  // namespace lamina
