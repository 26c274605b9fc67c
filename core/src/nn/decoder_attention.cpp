#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/decoder_attention.hpp>
#include <lamina/nn/shape_check.hpp>

#include <cmath>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

torch::Tensor with(const torch::Tensor& rows, const torch::Tensor& position) {
  return position.defined() ? rows + position : rows;
}

constexpr double kSmallestWeight = 1e-6;  // of a gate, before its logarithm: half precision knows it still

// A table of one row serves all prompts as it is; one row per slice is looked up.
torch::Tensor of_prompts(const torch::Tensor& table, const torch::Tensor& image_index) {
  return table.size(0) == 1 ? table : table.index_select(0, image_index);
}

}  // namespace

torch::Tensor ImageKeys::per_prompt(const torch::Tensor& image_index) const {
  return shared ? rows.index_select(0, image_index) : rows;
}

PromptAxes::PromptAxes(const Axes& axes, int64_t height, int64_t width) : tokens(axes), grid(axes) {
  tokens.height = tokens.width = 0;
  grid.height = height;
  grid.width = width;
}

DecoderAttention::DecoderAttention(SiteHost& host, const std::string& path, const DecoderAttentionSpec& spec)
    : host_(host), heads_(spec.heads) {
  if (spec.inner % spec.heads != 0) {
    throw ConfigError(text(path, ": ", spec.inner, " channels cannot be split into ", spec.heads,
                           " heads; choose heads that divide it"));
  }
  auto map = [&](const char* name, Layout layout, int64_t in, int64_t out) {
    return register_module(name, std::make_shared<SiteLinear>(host, text(path, ".", name), layout, in, out));
  };
  q_proj_ = map("q_proj", spec.queries, spec.channels, spec.inner);
  k_proj_ = map("k_proj", spec.keys, spec.channels, spec.inner);
  v_proj_ = map("v_proj", spec.keys, spec.channels, spec.inner);
  out_proj_ = map("out_proj", spec.queries, spec.inner, spec.channels);
  out_ = host.add_site({path + ".out", SiteKind::Sublayer, spec.queries, spec.channels, spec.channels, 1, {}});
}

// map(rows + position) as map(rows) + map(position): the positions are mapped once, not once per prompt, and rows that
// prompts share are mapped once per slice. An adapter at the map's site sees what it would see in the reference.
torch::Tensor DecoderAttention::project_image(SiteLinear& map, const ImageKeys& image, bool with_position,
                                              const PromptAxes& axes, Scene& scene) const {
  const torch::Tensor& index = axes.grid.image_index;
  if (map.occupied()) {
    const torch::Tensor rows = image.per_prompt(index);
    return map.forward(with_position ? rows + of_prompts(image.position, index) : rows, axes.grid, scene);
  }
  torch::Tensor mapped = at::linear(image.rows, map.weight(), map.bias());
  torch::Tensor position;
  if (with_position) position = at::linear(image.position, map.weight());
  if (!image.shared) return with_position ? mapped + of_prompts(position, index) : mapped;
  return with(mapped, position).index_select(0, index);
}

torch::Tensor DecoderAttention::attend(const torch::Tensor& queries, const torch::Tensor& keys,
                                       const torch::Tensor& values, const AttentionGate& gate) const {
  auto heads = [this](const torch::Tensor& x) {
    return x.unflatten(-1, {heads_, -1}).transpose(1, 2);
  };  // [N, heads, L, d]
  const torch::Tensor q = heads(queries), k = heads(keys), v = heads(values);
  if (!gate.weight.defined()) return at::scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2);
  require_shape(gate.weight, {q.size(0), q.size(2), k.size(2)}, "the gate of an attention");
  torch::Tensor scores = at::matmul(q, k.transpose(2, 3)) / std::sqrt(static_cast<double>(q.size(3)));
  const torch::Tensor weight = gate.weight.unsqueeze(1);  // the same for every head
  const bool multiply = gate.form == AttentionGate::Form::Multiply;
  if (!multiply) scores = scores + weight.clamp_min(kSmallestWeight).log();
  torch::Tensor attention = at::softmax(scores, -1);
  if (multiply) attention = attention * weight;
  return at::matmul(attention, v).transpose(1, 2).flatten(2);
}

torch::Tensor DecoderAttention::among_tokens(const torch::Tensor& tokens, const torch::Tensor& position,
                                             const PromptAxes& axes, Scene& scene) {
  const torch::Tensor placed = with(tokens, position);
  const torch::Tensor mixed =
      attend(q_proj_->forward(placed, axes.tokens, scene), k_proj_->forward(placed, axes.tokens, scene),
             v_proj_->forward(tokens, axes.tokens, scene));
  return host_.through(out_, tokens, out_proj_->forward(mixed, axes.tokens, scene), axes.tokens, scene);
}

torch::Tensor DecoderAttention::tokens_from_image(const torch::Tensor& tokens, const torch::Tensor& position,
                                                  const ImageKeys& image, const PromptAxes& axes, Scene& scene,
                                                  const AttentionGate& gate) {
  const torch::Tensor queries = q_proj_->forward(with(tokens, position), axes.tokens, scene);
  const torch::Tensor keys = project_image(*k_proj_, image, true, axes, scene).flatten(1, 2);  // [N, h*w, inner]
  const torch::Tensor values = project_image(*v_proj_, image, false, axes, scene).flatten(1, 2);
  const torch::Tensor read = out_proj_->forward(attend(queries, keys, values, gate), axes.tokens, scene);
  return host_.through(out_, tokens, read, axes.tokens, scene);
}

torch::Tensor DecoderAttention::image_from_tokens(const ImageKeys& image, const torch::Tensor& tokens,
                                                  const torch::Tensor& position, const PromptAxes& axes, Scene& scene,
                                                  const AttentionGate& gate) {
  const torch::Tensor queries = project_image(*q_proj_, image, true, axes, scene).flatten(1, 2);  // [N, h*w, inner]
  const torch::Tensor keys = k_proj_->forward(with(tokens, position), axes.tokens, scene);
  const torch::Tensor values = v_proj_->forward(tokens, axes.tokens, scene);
  AttentionGate turned = gate;
  if (gate.weight.defined()) turned.weight = gate.weight.transpose(1, 2);  // [N, h*w, T]
  const torch::Tensor mixed = attend(queries, keys, values, turned).unflatten(1, {axes.grid.height, axes.grid.width});
  const torch::Tensor read = out_proj_->forward(mixed, axes.grid, scene);  // [N, h, w, C]
  if (!host_.occupied(out_)) return read;
  return host_.through(out_, image.per_prompt(axes.grid.image_index), read, axes.grid, scene);
}

}  // namespace lamina::nn
