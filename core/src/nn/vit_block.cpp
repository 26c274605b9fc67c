#include <lamina/nn/rel_pos.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/nn/vit_block.hpp>
#include <lamina/nn/window.hpp>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr double kBlockNormEps = 1e-6;
constexpr int64_t kMlpRatio = 4;

torch::nn::LayerNorm make_norm(int64_t channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(kBlockNormEps));
}

}  // namespace

VitAttention::VitAttention(SiteHost& host, const std::string& path, const VitBlockOptions& options)
    : host_(host), options_(options) {
  const int64_t channels = options.channels;
  qkv_ = register_module(
      "qkv", std::make_shared<SiteLinear>(host, path + ".qkv", Layout::Grid, channels, 3 * channels, /*parts=*/3));
  proj_ = register_module("proj", std::make_shared<SiteLinear>(host, path + ".proj", Layout::Grid, channels, channels));
  out_site_ = host.add_site(grid_site(path + ".out", SiteKind::Sublayer, channels));
}

void VitAttention::make_tables(int64_t height, int64_t width) {
  const int64_t head_width = options_.channels / options_.heads;
  rel_pos_h_ = register_parameter("rel_pos_h", torch::zeros({2 * height - 1, head_width}));
  rel_pos_w_ = register_parameter("rel_pos_w", torch::zeros({2 * width - 1, head_width}));
}

RelPosTables VitAttention::tables_for(int64_t height, int64_t width) const {
  return {resize_rel_pos(rel_pos_h_, height), resize_rel_pos(rel_pos_w_, width)};
}

torch::Tensor VitAttention::forward(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  if (options_.window == 0) return on_grid(grid, axes, scene);
  if (qkv_->occupied() || host_.occupied(out_site_)) return in_windows(grid, axes, scene);
  return in_windows_without_padding(grid, axes, scene);
}

torch::Tensor VitAttention::on_grid(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  const torch::Tensor qkv = qkv_->forward(grid, axes, scene);  // [N, h, w, 3C]
  const torch::Tensor mixed =
      rel_pos_attention(qkv, tables_for(grid.size(1), grid.size(2)), options_.heads, options_.path);
  return host_.through(out_site_, grid, proj_->forward(mixed, axes, scene), axes, scene);
}

torch::Tensor VitAttention::in_windows(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  const int64_t window = options_.window;
  Axes inside = axes;
  inside.windows = windows_along(grid.size(1), window) * windows_along(grid.size(2), window);
  inside.height = inside.width = window;
  const torch::Tensor mixed = on_grid(window_partition(grid, window), inside, scene);  // [N*nW, ws, ws, C]
  return window_unpartition(mixed, grid.size(1), grid.size(2));
}

torch::Tensor VitAttention::in_windows_without_padding(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  const torch::Tensor qkv = qkv_->forward(grid, axes, scene);  // [N, h, w, 3C]
  const torch::Tensor mixed = rel_pos_window_attention(qkv, qkv_->bias(), tables_for(options_.window, options_.window),
                                                       options_.heads, options_.window, options_.path);
  return proj_->forward(mixed, axes, scene);
}

VitBlock::VitBlock(SiteHost& host, const std::string& path, const VitBlockOptions& options)
    : host_(host),
      window_(options.window),
      input_(host.add_site(grid_site(path + ".input", SiteKind::Stream, options.channels))) {
  const int64_t channels = options.channels;
  norm1_ = register_module("norm1", make_norm(channels));
  attention_ = register_module("attn", std::make_shared<VitAttention>(host, path + ".attn", options));
  merged_ = host.add_site(grid_site(path + ".attn.merged", SiteKind::Sublayer, channels));
  mid_ = host.add_site(grid_site(path + ".mid", SiteKind::Stream, channels));
  norm2_ = register_module("norm2", make_norm(channels));
  mlp_ = register_module("mlp", std::make_shared<MlpBlock>(host, path + ".mlp", Layout::Grid, channels,
                                                           kMlpRatio * channels, MlpActivation::Gelu));
  output_ = host.add_site(grid_site(path + ".output", SiteKind::Stream, channels));
}

void VitBlock::make_tables(int64_t height, int64_t width) {
  attention_->make_tables(window_ > 0 ? window_ : height, window_ > 0 ? window_ : width);
}

torch::Tensor VitBlock::stream(SiteId site, const torch::Tensor& grid, const Axes& axes, Scene& scene) const {
  return host_.through(site, grid, grid, axes, scene);
}

torch::Tensor VitBlock::forward(const torch::Tensor& grid, const Axes& axes, Scene& scene) {
  require_shape(grid, {kAny, kAny, kAny, kAny}, "a transformer block's grid");
  const torch::Tensor x = stream(input_, grid, axes, scene);
  const torch::Tensor normed = norm1_->forward(x);
  const torch::Tensor mixed = host_.through(merged_, normed, attention_->forward(normed, axes, scene), axes, scene);
  const torch::Tensor y = stream(mid_, x + mixed, axes, scene);
  return stream(output_, y + mlp_->forward(norm2_->forward(y), axes, scene), axes, scene);
}

}  // namespace lamina::nn
