// The transformer block of SAM's image encoder, with sites for adapters.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/attention.hpp>
#include <lamina/nn/mlp_block.hpp>
#include <lamina/nn/site.hpp>

#include <memory>
#include <string>

#include <torch/nn/module.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

namespace lamina::nn {

struct VitBlockOptions {
  int64_t channels = 0, heads = 1;
  int64_t window = 0;  ///< cells along a side; 0: global attention
  AttentionPath path = AttentionPath::Tiled;
};

/// Multi-head attention on a grid with tables of relative position: "qkv.*", "proj.*", "rel_pos_h", "rel_pos_w".
/// Sites: <path>.qkv, <path>.proj (projections), <path>.out (sublayer, inside the windows).
class LAMINA_API VitAttention : public torch::nn::Module {
 public:
  VitAttention(SiteHost& host, const std::string& path, const VitBlockOptions& options);
  /// Once, before weights are loaded: tables for a grid of height x width, zero at the start. Grids of other sizes get
  /// them resized in every forward.
  void make_tables(int64_t height, int64_t width);
  /// [N, h, w, C] -> the same shape.
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene);

 private:
  torch::Tensor on_grid(const torch::Tensor& grid, const Axes& axes, Scene& scene);
  torch::Tensor in_windows(const torch::Tensor& grid, const Axes& axes, Scene& scene);
  torch::Tensor in_windows_without_padding(const torch::Tensor& grid, const Axes& axes, Scene& scene);
  RelPosTables tables_for(int64_t height, int64_t width) const;

  SiteHost& host_;
  VitBlockOptions options_;
  std::shared_ptr<SiteLinear> qkv_, proj_;
  torch::Tensor rel_pos_h_, rel_pos_w_;
  SiteId out_site_;
};

/// y = x + attention(norm1(x)); y + mlp(norm2(y)). Windows are cut behind the norm, as in segment-anything: their
/// padding is zeros there, takes part as keys and values (it equals the bias of qkv) and is not masked. Its queries,
/// and all its projections, are left out where no unit sits at attn.qkv or attn.out.
///
/// Sites under <path>: input, mid, output (streams), attn.qkv, attn.proj, attn.out, attn.merged (sublayer, after
/// windows are joined), mlp.lin1, mlp.lin2, mlp.out. All hold grids, channels last.
class LAMINA_API VitBlock : public torch::nn::Module {
 public:
  VitBlock(SiteHost& host, const std::string& path, const VitBlockOptions& options);
  /// See VitAttention; a windowed block makes tables for its window instead.
  void make_tables(int64_t height, int64_t width);
  torch::Tensor forward(const torch::Tensor& grid, const Axes& axes, Scene& scene);

 private:
  torch::Tensor stream(SiteId site, const torch::Tensor& grid, const Axes& axes, Scene& scene) const;

  SiteHost& host_;
  int64_t window_;
  SiteId input_, merged_, mid_, output_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  std::shared_ptr<VitAttention> attention_;
  std::shared_ptr<MlpBlock> mlp_;
};

}  // namespace lamina::nn
