// Adapter my_component: one learned factor per channel at each site, 1 at the start, so that training begins at the
// network as it is.
#pragma once

#include <lamina/model/adapter.hpp>
#include <lamina/options/binder.hpp>

namespace my_component {

struct Options {
  double start = 1;
  bool offset = false;

  void bind(lamina::OptionBinder& o) {
    o.field("start", start, "The factor at the start; 1 leaves the network as it is", lamina::Range{-10, 10});
    o.field("offset", offset, "Learn an offset per channel too, 0 at the start");
  }
};

class MyComponent : public lamina::Adapter {
 public:
  using Options = my_component::Options;
  MyComponent(const Options& options, const lamina::AdapterContext& context);
  std::vector<std::string> default_sites() const override;
  std::shared_ptr<lamina::AdapterUnit> attach(const lamina::Site& site, const lamina::HostInfo& host) override;

 private:
  Options options_;
};

}  // namespace my_component
