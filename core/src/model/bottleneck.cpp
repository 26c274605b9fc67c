// The bottleneck adapter: down to fewer channels, something in between, up again, added to the layer's output.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/bottleneck.hpp>
#include <lamina/model/depth_rows.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr double kLargestScale = 10;

void require_place(const Site& site, const HostInfo& host) {
  if (site.kind == SiteKind::Projection) {
    throw ConfigError(
        "a bottleneck adapter needs whole features; this site is a single linear map (a projection). Choose the site "
        "of its block, as '....out'");
  }
  require_depth_axis(host);
}

}  // namespace

void BottleneckOptions::bind_bottleneck(OptionBinder& o) {
  o.field("ratio", ratio, "Hidden width as a fraction of the channels", Range{0.01, 1.0});
  o.field("init", init, "zero: starts as the identity; default: torch's own", OneOf{"zero", "default"});
  o.field("placement", placement, "Read the sublayer's output (serial) or its input (parallel)",
          OneOf{"serial", "parallel"});
  o.field("scale", scale,
          "Factor on the branch, 0 to 10; \"learned\": a parameter that starts at 1, in parallel at 0.5");
}

void BottleneckOptions::bind_compat(OptionBinder& o, const std::string& also) {
  o.field("compat", compat, "release: as the released code does it (init default" + also + ", whatever is said above)",
          OneOf{"repaired", "release"});
}

void BottleneckOptions::check(OptionErrors& errors, const std::string& where) const {
  const bool number = scale.is_number() && scale.as_number() >= 0 && scale.as_number() <= kLargestScale;
  const bool learned = scale.is_string() && scale.as_text() == "learned";
  if (!number && !learned)
    errors.add(where + ".scale", text("got ", scale.dump(), ", expected a number from 0 to 10 or \"learned\""));
}

BottleneckUnit::~BottleneckUnit() = default;

BottleneckUnit::BottleneckUnit(const BottleneckOptions& options, const Site& site, const HostInfo& host)
    : serial_(options.placement == "serial"),
      hidden_(std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(site.out_channels) * options.ratio))) {
  require_place(site, host);
  down_ = register_module("D_fc1", torch::nn::Linear(serial_ ? site.out_channels : site.in_channels, hidden_));
  up_ = register_module("D_fc2", torch::nn::Linear(hidden_, site.out_channels));
  if (options.scale.is_number()) {
    factor_ = options.scale.as_number();
  } else {
    scale_ = register_parameter("scale", torch::full({1}, serial_ ? 1.0 : 0.5));
  }
  if (options.init == "default" || options.released()) return;
  const torch::NoGradGuard no_grad;
  up_->weight.zero_();
  up_->bias.zero_();
}

torch::Tensor BottleneckUnit::branch(const torch::Tensor& input, const SiteCall& call) {
  const torch::Tensor hidden = at::gelu(down_->forward(input));
  return up_->forward(hidden + mix(hidden, call));
}

torch::Tensor BottleneckUnit::apply(const SiteCall& call) {
  const torch::Tensor& input = serial_ ? call.output : call.input;
  torch::Tensor change;
  if (call.site.layout == Layout::Volume) {
    // [B, C, D, H, W] -> channels last and back
    change = branch(input.permute({0, 2, 3, 4, 1}), call).permute({0, 4, 1, 2, 3});
  } else {
    require_depth_rows(input, call);
    change = branch(input, call);
  }
  return scale_.defined() ? call.output + scale_ * change : at::add(call.output, change, factor_);
}

}  // namespace lamina
