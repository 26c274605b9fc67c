// MaskSAM's decoder: SAM's mask decoder with one more token, whose output says the class of the query's mask.
#include "mask_classifier.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/prompt_rows.hpp>
#include <lamina/nn/shape_check.hpp>

#include <algorithm>
#include <cmath>

#include <torch/utils.h>

namespace lamina {
namespace {

using mask_classifier::Background;
using mask_classifier::VolumeHead;

constexpr int64_t kMaskTokens = 4;   // as SAM; only the first is used
constexpr double kSamPatch = 16;     // SAM's image pixels per cell of the embedding
constexpr double kMasksPerCell = 4;  // mask pixels per cell of the embedding
constexpr int64_t kReleaseDoublings = 2;
constexpr int64_t kVolumeChannels = 64, kResidualChannels = 16;

bool release(const MaskClassifierOptions& options) { return options.compat == "release"; }

nn::SamDecoderSpec spec_of(const MaskClassifierOptions& options, const DecoderContext& context) {
  const FeatureSpec& embedding = image_embedding(context.features, "model.decoder: 'mask_classifier'");
  // The release adds half a pixel of SAM's image, also where a stem has enlarged the patch to it.
  const double centre = nn::kPixelCentre * (release(options) ? embedding.stride[1] / kSamPatch : 1);
  return {embedding.channels,
          {context.patch[1], context.patch[2]},
          {embedding.stride[1], embedding.stride[2]},
          embedding.frame,
          centre,
          options.sizes.depth,
          options.sizes.heads,
          options.sizes.mlp_channels,
          kMaskTokens,
          options.sizes.upscale_channels};
}

void check_prompts(const MaskClassifierOptions& options, const PromptSpec& prompts) {
  if (prompts.queries < 1) {
    throw ConfigError(
        "model.decoder: 'mask_classifier' needs the same number of queries on every slice, as the prompters 'masksam' "
        "and "
        "'learned' make them ('given' with queries set to a number); this prompter does not promise one");
  }
  if (!options.global_token && !prompts.kinds.contains(PromptKind::ClassTokens)) {
    throw ConfigError(
        "model.decoder.global_token: false leaves the class to the prompter's class tokens, but this prompter makes "
        "none; "
        "set it to true");
  }
}

}  // namespace

void MaskClassifierOptions::bind(OptionBinder& o) {
  o.field("head", head,
          "From mask to patch resolution: bilinear; conv3d: learned upsampling that mixes queries and slices; mixed: "
          "bilinear, behind a small learned 3D residual that starts at 0",
          OneOf{"bilinear", "conv3d", "mixed"});
  o.field("head_channels", head_channels, "Hidden channels of that head; none: 64 for conv3d, 16 for mixed",
          AtLeast{1});
  o.field("background", background,
          "class: queries may be background too; ignore: background is where no foreground class has a score over 0.5",
          OneOf{"class", "ignore"});
  o.field(
      "mask_bias", mask_bias,
      "Start of a learned number that is added to all mask logits; none: no such number, as SAM. With conv3d: start "
      "of its last layer's bias");
  o.field("global_token", global_token, "Add the learned classifier token to the prompter's class tokens");
  o.field("deep_supervision", deep_supervision,
          "decoder_layers: while training, predict from the tokens behind every layer of the transformer too",
          OneOf{"none", "decoder_layers"});
  o.field("semantic_gradient", semantic_gradient,
          "While training, let gradients pass through the combined classes; only a loss that reads them needs that");
  o.field("compat", compat,
          "release: as the released code does it: bilinear by way of SAM's input size, two doublings in conv3d, half a "
          "pixel of SAM's input added to boxes",
          OneOf{"repaired", "release"});
  sizes.bind(o);
}

MaskClassifier::MaskClassifier(const Options& options, const DecoderContext& context)
    : options_(options),
      prompts_(context.prompts),
      background_(options.background == "class" ? Background::Class : Background::Ignore),
      decoder_(*this, *this, spec_of(options, context)) {
  check_prompts(options, context.prompts);
  const FeatureSpec& embedding = image_embedding(context.features, "model.decoder: 'mask_classifier'");
  const int64_t classes = background_ == Background::Class ? context.classes : context.classes - 1;
  classifier_token_ = register_module("classifier_token_Adapter", torch::nn::Embedding(1, embedding.channels));
  classifier_embed_ = register_module("classifier_embed_Adapter", torch::nn::Linear(embedding.channels, classes + 1));
  make_head(options, embedding.stride[1]);
}

void MaskClassifier::make_head(const Options& options, double stride) {
  if (options.head != "conv3d" && options.mask_bias)
    mask_bias_ = register_parameter("mask_bias", torch::full({1}, *options.mask_bias));
  if (options.head == "bilinear") return;
  const bool residual = options.head == "mixed";
  const auto needed = static_cast<int64_t>(std::lround(std::log2(std::max(1.0, stride / kMasksPerCell))));
  const int64_t doublings = residual ? 0 : release(options) ? kReleaseDoublings : needed;
  const int64_t hidden = options.head_channels.value_or(residual ? kResidualChannels : kVolumeChannels);
  final_conv_ = register_module("final_conv", std::make_shared<VolumeHead>(prompts_.queries, hidden, doublings));
  if (residual) {
    final_conv_->start_at_zero();
  } else if (options.mask_bias) {
    final_conv_->start_at_bias(*options.mask_bias);
  }
}

PromptKinds MaskClassifier::accepts() const {
  return {PromptKind::Points, PromptKind::Boxes, PromptKind::Masks,
          PromptKind::Sparse, PromptKind::Dense, PromptKind::ClassTokens};
}

torch::Tensor MaskClassifier::classifier_tokens(const Prompts& prompts, int64_t count) const {
  const torch::Tensor& own = classifier_token_->weight;  // [1, C]
  if (!prompts.class_tokens.defined()) return own.expand({count, 1, own.size(1)});
  nn::require_shape(prompts.class_tokens, {count, 1, own.size(1)}, "class tokens of the prompts");
  const bool add = options_.global_token && !prompts.class_tokens_alone;
  return add ? own + prompts.class_tokens : prompts.class_tokens;
}

torch::Tensor MaskClassifier::enlarge(const torch::Tensor& low_res, const std::array<int64_t, 2>& size) const {
  if (!release(options_)) return nn::resize_masks(low_res, size[0], size[1]);
  const auto [height, width] = decoder_.grid();
  const auto cell = static_cast<int64_t>(kSamPatch);
  return nn::resize_masks(nn::resize_masks(low_res, height * cell, width * cell), size[0], size[1]);
}

torch::Tensor MaskClassifier::masks_of(const torch::Tensor& low_res, const Axes& axes,
                                       const std::array<int64_t, 2>& size, Head head) {
  if (head == Head::Bilinear || !final_conv_) return enlarge(low_res, size);
  // [B*D*Q, 1, h, w] -> [B, Q, D, h, w] and back
  const torch::Tensor volume =
      low_res.reshape({axes.batch, axes.depth, axes.queries, low_res.size(2), low_res.size(3)}).transpose(1, 2);
  const torch::Tensor mixed = final_conv_->forward(volume).transpose(1, 2).flatten(0, 2).unsqueeze(1);
  return options_.head == "mixed" ? enlarge(low_res + mixed, size) : nn::resize_masks(mixed, size[0], size[1]);
}

Output MaskClassifier::output_of(const torch::Tensor& tokens, const torch::Tensor& pixels, const Axes& axes,
                                 const std::array<int64_t, 2>& size, Head head) {
  Output output;
  output.image_index = axes.image_index;
  output.low_res = decoder_.head().masks(tokens, pixels, 0, 1);  // [N, 1, h, w]
  if (mask_bias_.defined()) output.low_res = output.low_res + mask_bias_;
  output.query_masks = masks_of(output.low_res, axes, size, head).squeeze(1);  // [N, H, W]
  output.query_classes = classifier_embed_->forward(tokens.select(1, -1));     // [N, K + 1]
  const torch::AutoGradMode gradients(torch::GradMode::is_enabled() && options_.semantic_gradient);
  output.classes = mask_classifier::combine(output.query_masks, output.query_classes, axes, background_);
  output.scale = Scale::Scores;
  return output;
}

Output MaskClassifier::decode_stream(const torch::Tensor& embedding, const torch::Tensor& image, const Prompts& prompts,
                                     Scene& scene) {
  const Axes axes = prompt_rows(prompts, prompts_, image.size(0), image.size(2), image.device());
  const torch::Tensor last = classifier_tokens(prompts, axes.image_index.size(0));
  const auto decoded = decoder_.decode(
      embedding,
      {prompts.points, prompts.point_labels, prompts.boxes, prompts.mask_logits, prompts.sparse, prompts.dense, last},
      axes, scene);
  const std::array<int64_t, 2> size{image.size(3), image.size(4)};
  Output output = output_of(decoded.tokens, decoded.pixels, axes, size, Head::Own);
  if (!scene.training() || options_.deep_supervision == "none") return output;
  // Earlier layers are read against the same upscaled image, the last one first; a learned head is for the end alone.
  for (auto layer = decoded.layers.rbegin(); layer != decoded.layers.rend(); ++layer)
    output.stages.push_back(output_of(*layer, decoded.pixels, axes, size, Head::Bilinear));
  return output;
}

Prediction MaskClassifier::decode(Scene& scene, const Streams<Prompts>& prompts) {
  Prediction prediction;
  for (const auto& [stream, features] : scene.features)
    prediction.outputs.set(
        stream, decode_stream(features.at("embedding"), scene.batch().images.at(stream), prompts.at(stream), scene));
  return prediction;
}

}  // namespace lamina
