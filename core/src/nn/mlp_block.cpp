#include <lamina/nn/mlp_block.hpp>

#include <cmath>

#include <torch/utils.h>

namespace lamina::nn {

SiteLinear::SiteLinear(SiteHost& host, const std::string& path, Layout layout, int64_t in, int64_t out, int64_t parts)
    : host_(host),
      weight_(register_parameter("weight", torch::empty({out, in}))),
      bias_(register_parameter("bias", torch::empty({out}))),
      site_(host.add_site({path, SiteKind::Projection, layout, in, out, parts, {weight_, bias_}})) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  const torch::NoGradGuard no_grad;
  weight_.uniform_(-bound, bound);
  bias_.uniform_(-bound, bound);
}

torch::Tensor SiteLinear::forward(const torch::Tensor& input, const Axes& axes, Scene& scene) {
  return host_.project(site_, input, axes, scene);
}

MlpBlock::MlpBlock(SiteHost& host, const std::string& path, Layout layout, int64_t channels, int64_t hidden,
                   MlpActivation activation)
    : host_(host),
      lin1_(register_module("lin1", std::make_shared<SiteLinear>(host, path + ".lin1", layout, channels, hidden))),
      lin2_(register_module("lin2", std::make_shared<SiteLinear>(host, path + ".lin2", layout, hidden, channels))),
      activation_(activation),
      out_(host.add_site({path + ".out", SiteKind::Sublayer, layout, channels, channels, 1, {}})) {}

torch::Tensor MlpBlock::forward(const torch::Tensor& input, const Axes& axes, Scene& scene) {
  const torch::Tensor hidden = lin1_->forward(input, axes, scene);
  const torch::Tensor active = activation_ == MlpActivation::Gelu ? at::gelu(hidden) : at::relu(hidden);
  return host_.through(out_, input, lin2_->forward(active, axes, scene), axes, scene);
}

}  // namespace lamina::nn
