#include <lamina/nn/mlp_block.hpp>

#include "nn/packed_linear.hpp"

#include <algorithm>
#include <cmath>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

/// Rows whose hidden layer is small enough that the allocator keeps its memory: fresh pages cost as much as the gelu.
constexpr int64_t kPieceRows = 1024;

}  // namespace

SiteLinear::SiteLinear(SiteHost& host, const std::string& path, Layout layout, int64_t in, int64_t out, int64_t parts)
    : host_(host),
      weight_(register_parameter("weight", torch::empty({out, in}))),
      bias_(register_parameter("bias", torch::empty({out}))),
      site_(host.add_site({path, SiteKind::Projection, layout, in, out, parts, {weight_, bias_}})),
      packed_(std::make_shared<PackedLinear>()) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  const torch::NoGradGuard no_grad;
  weight_.uniform_(-bound, bound);
  bias_.uniform_(-bound, bound);
}

torch::Tensor SiteLinear::forward(const torch::Tensor& input, const Axes& axes, Scene& scene) {
  if (!occupied() && PackedLinear::applies(input, weight_)) return packed_->forward(input, weight_, bias_, false);
  return host_.project(site_, input, axes, scene);
}

torch::Tensor SiteLinear::forward_gelu(const torch::Tensor& input, const Axes& axes, Scene& scene) {
  if (!occupied() && PackedLinear::applies(input, weight_)) return packed_->forward(input, weight_, bias_, true);
  torch::Tensor result = host_.project(site_, input, axes, scene);
  // Nobody else holds the result where no adapter saw it.
  if (!at::GradMode::is_enabled() && !occupied()) return at::gelu_(result);
  return at::gelu(result);
}

MlpBlock::MlpBlock(SiteHost& host, const std::string& path, Layout layout, int64_t channels, int64_t hidden,
                   MlpActivation activation)
    : host_(host),
      lin1_(register_module("lin1", std::make_shared<SiteLinear>(host, path + ".lin1", layout, channels, hidden))),
      lin2_(register_module("lin2", std::make_shared<SiteLinear>(host, path + ".lin2", layout, hidden, channels))),
      activation_(activation),
      out_(host.add_site({path + ".out", SiteKind::Sublayer, layout, channels, channels, 1, {}})) {}

torch::Tensor MlpBlock::layers(const torch::Tensor& input, const Axes& axes, Scene& scene) {
  const torch::Tensor active = activation_ == MlpActivation::Gelu ? lin1_->forward_gelu(input, axes, scene)
                                                                  : at::relu(lin1_->forward(input, axes, scene));
  return lin2_->forward(active, axes, scene);
}

torch::Tensor MlpBlock::in_pieces(const torch::Tensor& input, const Axes& axes, Scene& scene) {
  const torch::Tensor rows = input.reshape({-1, input.size(-1)});
  torch::Tensor result;
  for (int64_t first = 0; first < rows.size(0); first += kPieceRows) {
    const int64_t count = std::min(kPieceRows, rows.size(0) - first);
    const torch::Tensor piece = layers(rows.narrow(0, first, count), axes, scene);
    if (!result.defined()) result = at::empty({rows.size(0), piece.size(1)}, piece.options());
    result.narrow(0, first, count).copy_(piece);
  }
  return result.view(input.sizes());
}

torch::Tensor MlpBlock::forward(const torch::Tensor& input, const Axes& axes, Scene& scene) {
  // Adapters see the whole grid; backward passes need the whole hidden layer.
  const bool whole = at::GradMode::is_enabled() || !input.is_cpu() || lin1_->occupied() || lin2_->occupied() ||
                     input.numel() <= kPieceRows * input.size(-1);
  const torch::Tensor output = whole ? layers(input, axes, scene) : in_pieces(input, axes, scene);
  return host_.through(out_, input, output, axes, scene);
}

}  // namespace lamina::nn
