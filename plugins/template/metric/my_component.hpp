// Metric my_component: by how many millilitres a predicted structure is too large or too small.
#pragma once

#include <lamina/objective/metric.hpp>
#include <lamina/options/binder.hpp>

namespace my_component {

struct Options {
  bool sign = false;

  void bind(lamina::OptionBinder& o) { o.field("sign", sign, "Keep the sign: negative where too little was found"); }
};

class MyComponent : public lamina::Metric {
 public:
  using Options = my_component::Options;
  MyComponent(const Options& options, const lamina::MetricContext& context);
  std::string unit() const override;
  bool higher_is_better() const override;
  std::vector<lamina::Score> measure(const lamina::Volume& prediction, const lamina::Case& reference,
                                     lamina::Scratch& scratch) const override;

 private:
  Options options_;
  lamina::MetricContext context_;
};

}  // namespace my_component
