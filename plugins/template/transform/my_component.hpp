// Transform my_component: brightness that falls or rises along one axis, as coils of a scanner make it.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace my_component {

struct Options {
  double p = 0.5;
  double strength = 0.3;

  void bind(lamina::OptionBinder& o) {
    o.field("p", p, "How often", lamina::Range{0, 1});
    o.field("strength", strength, "The factor runs from 1 - s to 1 + s, with s up to this", lamina::Range{0, 1});
  }
};

class MyComponent : public lamina::Transform {
 public:
  using Options = my_component::Options;
  MyComponent(const Options& options, const lamina::TransformContext& context);
  lamina::Case apply(lamina::Case one, lamina::Random& random) const override;

 private:
  Options options_;
};

}  // namespace my_component
