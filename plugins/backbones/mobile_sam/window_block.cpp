// TinyViT's block with attention.
#include "window_block.hpp"

#include <lamina/nn/truncated_normal.hpp>
#include <lamina/nn/window.hpp>

#include <cmath>

#include <torch/utils.h>

namespace lamina::mobile_sam {
namespace {

constexpr int64_t kMlpRatio = 4;
constexpr int64_t kLocalKernel = 3;

torch::nn::LayerNorm make_norm(int64_t channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(1e-5));
}

/// Weights truncated normal, biases 0.
void start_from_scratch(const nn::SiteLinear& map) {
  nn::draw_truncated_normal(map.weight());
  const torch::NoGradGuard no_grad;
  map.bias().zero_();
}

}  // namespace

torch::Tensor bias_index(int64_t window) {
  const torch::Tensor cells = at::arange(window * window, torch::kInt64);
  const torch::Tensor row = cells.div(window, "floor"), column = cells.remainder(window);
  const auto distance = [](const torch::Tensor& place) { return (place.unsqueeze(1) - place.unsqueeze(0)).abs(); };
  return distance(row) * window + distance(column);
}

WindowAttention::WindowAttention(SiteHost& host, const std::string& path, const Spec& spec)
    : host_(host), spec_(spec), index_(bias_index(spec.window).flatten()) {
  const int64_t channels = spec.channels;
  norm_ = register_module("norm", make_norm(channels));
  qkv_ = register_module("qkv", std::make_shared<nn::SiteLinear>(host, path + ".qkv", Layout::Grid, channels,
                                                                 3 * channels, /*parts=*/3 * spec.heads));
  proj_ =
      register_module("proj", std::make_shared<nn::SiteLinear>(host, path + ".proj", Layout::Grid, channels, channels));
  attention_biases_ = register_parameter("attention_biases", torch::zeros({spec.heads, spec.window * spec.window}));
  out_ = host.add_site(grid_site(path + ".out", SiteKind::Sublayer, channels));
  merged_ = host.add_site(grid_site(path + ".merged", SiteKind::Sublayer, channels));
  for (const auto& map : {qkv_, proj_}) start_from_scratch(*map);
}

torch::Tensor WindowAttention::forward(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  const torch::Tensor normed = norm_->forward(grid);
  const bool all = qkv_->occupied() || host_.occupied(out_);
  const torch::Tensor mixed = all ? in_windows(normed, axes, scene) : in_windows_without_padding(normed, axes, scene);
  return host_.through(merged_, normed, mixed, axes, scene);
}

torch::Tensor WindowAttention::in_windows(const torch::Tensor& normed, const Axes& axes, Scene& scene) {
  const int64_t window = spec_.window, height = normed.size(1), width = normed.size(2);
  Axes inside = axes;
  inside.windows = nn::windows_along(height, window) * nn::windows_along(width, window);
  inside.height = inside.width = window;
  // The norm makes its bias of zeros, so that is what fills windows behind it: [N*nW, ws, ws, C].
  const torch::Tensor windows = nn::window_partition(nn::fill_windows(normed, norm_->bias, window), window);
  const torch::Tensor mixed = proj_->forward(attend(qkv_->forward(windows, inside, scene)), inside, scene);
  return nn::window_unpartition(host_.through(out_, windows, mixed, inside, scene), height, width);
}

// Without units inside the windows, the filling is the same everywhere: it is projected once, its results not at all.
torch::Tensor WindowAttention::in_windows_without_padding(const torch::Tensor& normed, const Axes& axes, Scene& scene) {
  const int64_t window = spec_.window;
  const torch::Tensor qkv = qkv_->forward(normed, axes, scene);  // [N, h, w, 3C]
  const torch::Tensor filling = at::linear(norm_->bias, qkv_->weight(), qkv_->bias());
  const torch::Tensor windows = nn::window_partition(nn::fill_windows(qkv, filling, window), window);
  return proj_->forward(nn::window_unpartition(attend(windows), normed.size(1), normed.size(2)), axes, scene);
}

torch::Tensor WindowAttention::biases() {
  if (index_.device() != attention_biases_.device()) index_ = index_.to(attention_biases_.device());
  const int64_t cells = spec_.window * spec_.window;
  return attention_biases_.index_select(1, index_).view({spec_.heads, cells, cells});
}

/// [M, ws, ws, 3C] -> [M, ws, ws, C].
torch::Tensor WindowAttention::attend(const torch::Tensor& qkv) {
  const int64_t width = spec_.channels / spec_.heads;
  const torch::Tensor parts = qkv.flatten(1, 2).unflatten(2, {spec_.heads, 3, width}).permute({3, 0, 2, 1, 4});
  const torch::Tensor q = parts[0], k = parts[1], v = parts[2];  // [M, heads, ws*ws, d]
  const torch::Tensor content = at::matmul(q / std::sqrt(static_cast<double>(width)), k.transpose(2, 3));
  const torch::ScalarType exact = v.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const torch::Tensor weights = at::softmax(content + biases(), -1, exact).to(v.scalar_type());
  return at::matmul(weights, v).transpose(1, 2).reshape({qkv.size(0), spec_.window, spec_.window, spec_.channels});
}

NormedMlp::NormedMlp(SiteHost& host, const std::string& path, int64_t channels) : host_(host) {
  const int64_t hidden = kMlpRatio * channels;
  norm_ = register_module("norm", make_norm(channels));
  fc1_ = register_module("fc1", std::make_shared<nn::SiteLinear>(host, path + ".fc1", Layout::Grid, channels, hidden));
  fc2_ = register_module("fc2", std::make_shared<nn::SiteLinear>(host, path + ".fc2", Layout::Grid, hidden, channels));
  out_ = host.add_site(grid_site(path + ".out", SiteKind::Sublayer, channels));
  for (const auto& map : {fc1_, fc2_}) start_from_scratch(*map);
}

torch::Tensor NormedMlp::forward(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  const torch::Tensor normed = norm_->forward(grid);
  const torch::Tensor result = fc2_->forward(at::gelu(fc1_->forward(normed, axes, scene)), axes, scene);
  return host_.through(out_, normed, result, axes, scene);
}

WindowBlock::WindowBlock(SiteHost& host, const std::string& path, const WindowAttention::Spec& spec)
    : host_(host), input_(host.add_site(grid_site(path + ".input", SiteKind::Stream, spec.channels))) {
  const int64_t channels = spec.channels;
  attn_ = register_module("attn", std::make_shared<WindowAttention>(host, path + ".attn", spec));
  mid_ = host.add_site(grid_site(path + ".mid", SiteKind::Stream, channels));
  local_conv_ = register_module(
      "local_conv", std::make_shared<ConvNorm>(ConvNormSpec{channels, channels, kLocalKernel, 1, channels}));
  local_out_ = host.add_site(grid_site(path + ".local_conv.out", SiteKind::Sublayer, channels));
  mlp_ = register_module("mlp", std::make_shared<NormedMlp>(host, path + ".mlp", channels));
  output_ = host.add_site(grid_site(path + ".output", SiteKind::Stream, channels));
}

torch::Tensor WindowBlock::stream(SiteId site, const torch::Tensor& grid, const Axes& axes, Scene& scene) const {
  return host_.through(site, grid, grid, axes, scene);
}

torch::Tensor WindowBlock::forward(const torch::Tensor& grid, const Axes& axes, Scene& scene, Pass pass) {
  const torch::Tensor x = stream(input_, grid, axes, scene);
  const torch::Tensor y = stream(mid_, x + attn_->forward(x, axes, scene), axes, scene);
  const torch::Tensor z = host_.through(local_out_, y, local_conv_->forward(y, pass), axes, scene);
  return stream(output_, z + mlp_->forward(z, axes, scene), axes, scene);
}

}  // namespace lamina::mobile_sam
