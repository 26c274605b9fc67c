// A bottleneck with a perceptron along depth: lets the prompts of neighbouring slices see each other (MaskSAM).
#include "depth_mlp.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kWiden = 4;

// A linear map along the middle axis: [B, in, X] -> [B, out, X]. One matrix product per case, nothing is transposed.
torch::Tensor along_depth(const torch::nn::Linear& linear, const torch::Tensor& rows) {
  const torch::Tensor weight = linear->weight.unsqueeze(0).expand({rows.size(0), -1, -1});
  return at::baddbmm(linear->bias.unsqueeze(1), weight, rows);
}

}  // namespace

void DepthMlpOptions::bind(OptionBinder& o) {
  bind_bottleneck(o);
  bind_compat(o);
}

DepthMlpUnit::DepthMlpUnit(const DepthMlpOptions& options, int64_t depth, const Site& site, const HostInfo& host)
    : BottleneckUnit(options, site, host), depth_(depth) {
  widen_ = register_module("T_fc1", torch::nn::Linear(depth, kWiden * depth));
  narrow_ = register_module("T_fc2", torch::nn::Linear(kWiden * depth, depth));
}

torch::Tensor DepthMlpUnit::mix(const torch::Tensor& hidden, const SiteCall& call) {
  if (call.axes.depth != depth_) {
    throw Error(text("depth_mlp at '", call.site.path, "' was built for ", depth_, " slices (train.patch) and got ",
                     call.axes.depth,
                     "; its weights belong to that depth. Pad the volume, or train with another patch"));
  }
  // Rows are ordered (batch, depth, queries, windows): [B*D*Q*W, ..., H] -> [B, D, Q*W*...*H]
  const torch::Tensor rows = hidden.unflatten(0, {call.axes.batch, depth_, -1}).flatten(2);
  return along_depth(narrow_, at::gelu(along_depth(widen_, rows))).view(hidden.sizes());
}

DepthMlp::DepthMlp(const Options& options, const AdapterContext& context)
    : options_(options), depth_(context.patch[0]) {}

std::vector<std::string> DepthMlp::default_sites() const {
  return {"decoder.layers.*.self_attn.out", "decoder.layers.*.cross_attn_token_to_image.out",
          "decoder.final_attn_token_to_image.out"};
}

std::shared_ptr<AdapterUnit> DepthMlp::attach(const Site& site, const HostInfo& host) {
  if (site.layout == Layout::Volume && site.kind != SiteKind::Projection) {
    throw ConfigError(
        "depth_mlp mixes a fixed number of slices; this site holds a volume whose depth the network may change. The "
        "adapter depth_conv is for those");
  }
  return std::make_shared<DepthMlpUnit>(options_, depth_, site, host);
}

}  // namespace lamina
