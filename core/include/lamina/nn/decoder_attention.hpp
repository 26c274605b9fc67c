// Attention of SAM's mask decoder: among a prompt's tokens, and between tokens and the cells of the image.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/nn/mlp_block.hpp>
#include <lamina/nn/site.hpp>

#include <memory>
#include <string>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::nn {

/// The image side of the transformer. As long as no prompt has changed them, the cells are one row per slice and shared
/// by all prompts of that slice; later they are one row per prompt.
struct LAMINA_API ImageKeys {
  torch::Tensor rows;      ///< [S, h, w, C] when shared, else [N, h, w, C]
  torch::Tensor position;  ///< positional encoding: [1, h, w, C], or [S, h, w, C] with one per slice
  bool shared = false;

  /// One row per prompt.
  torch::Tensor per_prompt(const torch::Tensor& image_index) const;
};

/// Axes of token lists and of grids of cells, for sites; both carry image_index [N], the slice of each prompt.
struct LAMINA_API PromptAxes {
  explicit PromptAxes(const Axes& axes, int64_t height, int64_t width);
  Axes tokens, grid;
};

/// How much each token and each cell of the image may take from the other, known before they meet (a coarse mask).
struct LAMINA_API AttentionGate {
  /// Multiply: attention times the weight, behind the softmax; rows then no longer sum to 1. AddLog: the weight's
  /// logarithm is added to the scores, so that rows sum to 1 still.
  enum class Form { Multiply, AddLog };
  torch::Tensor weight;  ///< [N, T, h*w], not negative; undefined: no gate
  Form form = Form::Multiply;
};

/// Sizes of one attention. Side: whether queries and keys are token lists or the image's cells.
struct DecoderAttentionSpec {
  int64_t channels = 256, inner = 256, heads = 8;
  Layout queries = Layout::Tokens, keys = Layout::Tokens;
};

/// softmax(q k^T / sqrt(d)) v with maps q_proj, k_proj, v_proj (channels -> inner) and out_proj (inner -> channels), as
/// segment-anything's modeling/transformer.py. Sites: <path>.{q_proj, k_proj, v_proj, out_proj} and <path>.out, whose
/// input is the stream that the result is added to.
class LAMINA_API DecoderAttention : public torch::nn::Module {
 public:
  DecoderAttention(SiteHost& host, const std::string& path, const DecoderAttentionSpec& spec);

  /// Tokens [N, T, C] among themselves; `position` [N, T, C] is added to queries and keys, undefined: none.
  torch::Tensor among_tokens(const torch::Tensor& tokens, const torch::Tensor& position, const PromptAxes& axes,
                             Scene& scene);
  /// What the tokens read from the image: [N, T, C].
  torch::Tensor tokens_from_image(const torch::Tensor& tokens, const torch::Tensor& position, const ImageKeys& image,
                                  const PromptAxes& axes, Scene& scene, const AttentionGate& gate = {});
  /// What the image's cells read from the tokens: [N, h, w, C].
  torch::Tensor image_from_tokens(const ImageKeys& image, const torch::Tensor& tokens, const torch::Tensor& position,
                                  const PromptAxes& axes, Scene& scene, const AttentionGate& gate = {});

 private:
  torch::Tensor project_image(SiteLinear& map, const ImageKeys& image, bool with_position, const PromptAxes& axes,
                              Scene& scene) const;
  /// `gate.weight` has the queries' axis before the keys'.
  torch::Tensor attend(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& values,
                       const AttentionGate& gate = {}) const;

  SiteHost& host_;
  int64_t heads_;
  std::shared_ptr<SiteLinear> q_proj_, k_proj_, v_proj_, out_proj_;
  SiteId out_;
};

}  // namespace lamina::nn
