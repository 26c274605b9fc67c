// Keeps the largest connected component, where that helps on validation cases.
#pragma once

#include <lamina/data/components.hpp>
#include <lamina/objective/postprocess.hpp>
#include <lamina/options/binder.hpp>

#include <array>

namespace lamina {

struct LargestComponentOptions {
  std::string select = "validation";
  std::string scope = "both";
  std::string connectivity = "full";
  std::vector<int64_t> classes;

  void bind(OptionBinder& o);
};

class LargestComponent : public Postprocess {
 public:
  using Options = LargestComponentOptions;
  LargestComponent(const Options& options, const PostprocessContext& context);

  TensorDict fit(const Outcomes& validation) override;
  void restore(const TensorDict& state) override;
  Volume apply(Volume labels) const override;

 private:
  torch::Tensor keep_foreground(const torch::Tensor& labels) const;  // [D, H, W]
  torch::Tensor keep_class(const torch::Tensor& labels, int64_t class_id) const;
  torch::Tensor among(const torch::Tensor& labels) const;

  Options options_;
  int64_t class_count_;
  Connectivity connectivity_;
  std::vector<int64_t> classes_;     // candidates
  bool foreground_on_ = false;       // the union of the candidates is cleaned
  std::vector<int64_t> classes_on_;  // and then each of these
};

}  // namespace lamina
