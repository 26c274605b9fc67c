// y -> y * factor (+ offset), per channel.
#include "my_component.hpp"

#include <ATen/ATen.h>

namespace my_component {
namespace {

class Unit : public lamina::AdapterUnit {
 public:
  Unit(const Options& options, const lamina::Site& site) : volume_(site.layout == lamina::Layout::Volume) {
    factor_ = register_parameter("factor", at::full({site.out_channels}, options.start));
    if (options.offset) offset_ = register_parameter("offset", at::zeros({site.out_channels}));
  }

  torch::Tensor apply(const lamina::SiteCall& call) override {
    const torch::Tensor scaled = call.output * per_channel(factor_);
    return offset_.defined() ? scaled + per_channel(offset_) : scaled;
  }

 private:
  /// Channels are second in a volume, [B, C, D, H, W], and last elsewhere.
  torch::Tensor per_channel(const torch::Tensor& values) const {
    return volume_ ? values.view({1, -1, 1, 1, 1}) : values;
  }

  bool volume_;
  torch::Tensor factor_, offset_;
};

}  // namespace

MyComponent::MyComponent(const Options& options, const lamina::AdapterContext&) : options_(options) {}

std::vector<std::string> MyComponent::default_sites() const { return {"encoder.stages.*.output"}; }

std::shared_ptr<lamina::AdapterUnit> MyComponent::attach(const lamina::Site& site, const lamina::HostInfo&) {
  return std::make_shared<Unit>(options_, site);
}

}  // namespace my_component
