// SAM's mask decoder: a mask and its predicted quality for every prompt, or one mask per class and slice.
#include "sam_mask.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/prompt_rows.hpp>
#include <lamina/nn/best_masks.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/shape_check.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kSamTokens = 4;  // one for a single mask, three for an ambiguous prompt
constexpr double kAbsent = -20;    // logit of a class that no prompt asked for: a probability of 2e-9

// Doublings behind the embedding, with SAM's rule for the channels: a quarter, an eighth, ...
std::vector<int64_t> upscale_channels(const SamMaskOptions& options, int64_t channels) {
  if (!options.sizes.upscale_channels.empty()) return options.sizes.upscale_channels;
  std::vector<int64_t> result;
  for (int64_t factor = 2; factor <= options.upscale; factor *= 2) result.push_back(channels / (2 * factor));
  return result;
}

nn::SamDecoderSpec spec_of(const SamMaskOptions& options, const DecoderContext& context) {
  const FeatureSpec& embedding = image_embedding(context.features, "model.decoder: 'sam_mask'");
  return {embedding.channels,
          {context.patch[1], context.patch[2]},
          {embedding.stride[1], embedding.stride[2]},
          embedding.frame,
          nn::kPixelCentre,
          options.sizes.depth,
          options.sizes.heads,
          options.sizes.mlp_channels,
          options.mask_tokens == "per_class" ? context.classes : kSamTokens,
          upscale_channels(options, embedding.channels)};
}

void check_prompts(bool per_class, const DecoderContext& context) {
  const PromptSpec& prompts = context.prompts;
  if (!per_class && prompts.kinds.empty() && context.classes > 2) {
    throw ConfigError(
        text("model.decoder: 'sam_mask' with SAM's own tokens gives masks their class by their prompts, but "
             "the prompter makes none and there are ",
             context.classes - 1, " classes besides the background; set mask_tokens to per_class"));
  }
  if (per_class && !prompts.kinds.empty() && prompts.queries == 0) {
    throw ConfigError(
        "model.decoder: 'sam_mask' with mask_tokens per_class makes one mask per class and slice, but the prompter "
        "makes "
        "a number of prompts that differs from slice to slice; expected one prompt per slice, or the prompter 'none'");
  }
  if (per_class && prompts.queries > 1) {
    throw ConfigError(
        text("model.decoder: 'sam_mask' with mask_tokens per_class makes one mask per class and slice, but "
             "the prompter makes ",
             prompts.queries, " prompts per slice; expected one, or the prompter 'none'"));
  }
}

}  // namespace

void SamMaskOptions::bind(OptionBinder& o) {
  o.field("mask_tokens", mask_tokens,
          "sam: SAM's four tokens, one mask (or three) per prompt; per_class: one token per class, whose masks are the "
          "class logits",
          OneOf{"sam", "per_class"});
  o.field("upscale", upscale, "Resolution of the masks over that of the embedding: 4 as SAM, or 16 as MA-SAM",
          Range{4, 16});
  sizes.bind(o);
}

void SamMaskOptions::check(OptionErrors& errors, const std::string& where) const {
  if (upscale != 4 && upscale != 16) errors.add(where + ".upscale", text("got ", upscale, ", expected 4 or 16"));
  const size_t doublings = upscale == 16 ? 4 : 2;
  const size_t given = sizes.upscale_channels.size();
  if (given == 0 || given == doublings) return;
  errors.add(where + ".upscale_channels",
             text("has ", given, " entries; expected ", doublings, ", one for each doubling up to ", upscale));
}

SamMask::SamMask(const Options& options, const DecoderContext& context)
    : per_class_(options.mask_tokens == "per_class"),
      classes_(context.classes),
      prompts_(context.prompts),
      decoder_(*this, *this, spec_of(options, context)) {
  check_prompts(per_class_, context);
}

PromptKinds SamMask::accepts() const {
  return {PromptKind::Points, PromptKind::Boxes, PromptKind::Masks, PromptKind::Sparse, PromptKind::Dense};
}

torch::Tensor SamMask::class_ids(const Prompts& prompts, const torch::Tensor& image_index) const {
  torch::Tensor ids =
      prompts.class_id.defined() ? prompts.class_id.to(image_index.options()) : at::full_like(image_index, -1);
  nn::require_shape(ids, {image_index.size(0)}, "class_id of the prompts");
  if (ids.numel() > 0 &&
      (ids.max().item<int64_t>() >= classes_ || ids.min().item<int64_t>() < -1 || ids.eq(0).any().item<bool>())) {
    throw Error(text("class_id of the prompts must be a label from 1 to ", classes_ - 1, ", or -1 for unknown; got ",
                     ids.min().item<int64_t>(), " to ", ids.max().item<int64_t>()));
  }
  // With one class there is no doubt which one is meant.
  return classes_ == 2 ? at::ones_like(ids) : ids;
}

torch::Tensor SamMask::classes_of(const torch::Tensor& masks, const Prompts& prompts, const Axes& axes) const {
  const int64_t slices = axes.batch * axes.depth, wanted = classes_ - 1;
  const torch::Tensor ids = class_ids(prompts, axes.image_index).cpu(), index = axes.image_index.cpu();
  std::map<int64_t, std::vector<int64_t>>
      asked;  // prompts of each slice and class; those of an unknown class speak for none
  for (int64_t row = 0; row < ids.size(0); ++row) {
    const int64_t id = ids[row].item<int64_t>();
    if (id > 0) asked[index[row].item<int64_t>() * wanted + id - 1].push_back(row);
  }
  // An empty sum: where nothing was asked for there is nothing to learn, but a graph all the same.
  const torch::Tensor absent =
      at::full({masks.size(1), masks.size(2)}, kAbsent, masks.options()) + masks.slice(0, 0, 0).sum();
  std::vector<torch::Tensor> planes(static_cast<size_t>(slices * wanted), absent);
  for (const auto& [plane, rows] : asked)
    planes[static_cast<size_t>(plane)] = masks.index_select(0, torch::tensor(rows).to(masks.device())).amax(0);
  const torch::Tensor classes = at::stack(planes).unflatten(0, {slices, wanted});  // [B*D, K-1, H, W]
  const torch::Tensor background = at::zeros_like(classes.slice(1, 0, 1));
  return nn::unfold_depth(at::cat({background, classes}, 1), axes.batch, axes.depth);
}

Output SamMask::decode_stream(const torch::Tensor& embedding, const torch::Tensor& image, const Prompts& prompts,
                              Scene& scene) {
  const Axes axes = prompt_rows(prompts, prompts_, image.size(0), image.size(2), image.device());
  if (per_class_ && axes.queries != 1)
    throw Error("'sam_mask' with mask_tokens per_class takes one prompt per slice; these differ from slice to slice");
  const auto decoded = decoder_.decode(
      embedding,
      {prompts.points, prompts.point_labels, prompts.boxes, prompts.mask_logits, prompts.sparse, prompts.dense, {}},
      axes, scene);
  const nn::MaskHead& head = decoder_.head();
  const bool several = !per_class_ && prompts.multimask;
  const int64_t first = several ? 1 : 0, count = per_class_ ? classes_ : several ? kSamTokens - 1 : 1;
  Output output;
  output.image_index = axes.image_index;
  output.low_res = head.masks(decoded.tokens, decoded.pixels, first, count);  // [N, M, h, w]
  output.quality = head.quality(decoded.tokens).slice(1, first, first + count);
  torch::Tensor masks = several ? nn::best_masks(output.low_res, output.quality) : output.low_res;
  masks = nn::resize_masks(masks, image.size(3), image.size(4));
  output.classes =
      per_class_ ? nn::unfold_depth(masks, axes.batch, axes.depth) : classes_of(masks.squeeze(1), prompts, axes);
  return output;
}

Prediction SamMask::decode(Scene& scene, const Streams<Prompts>& prompts) {
  Prediction prediction;
  for (const auto& [stream, features] : scene.features)
    prediction.outputs.set(
        stream, decode_stream(features.at("embedding"), scene.batch().images.at(stream), prompts.at(stream), scene));
  return prediction;
}

}  // namespace lamina
