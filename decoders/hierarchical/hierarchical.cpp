// Two decoders in a row.
#include "hierarchical.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/prompt_rows.hpp>
#include <lamina/nn/fold.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

using hierarchical::GateForm;

constexpr const char* kSecond = "mask_decoder2";
constexpr double kMapDropout = 0.1;
constexpr int64_t kMostHeads = 8;  // of the class gate, whose width is the number of cells

bool release(const HierarchicalOptions& options) { return options.compat == "release"; }

std::string gate_of(const HierarchicalOptions& options) {
  return options.cmattn.value_or(release(options) ? "release" : "spatial_softmax");
}

nn::SamDecoderSpec spec_of(const HierarchicalOptions& options, const DecoderContext& context) {
  const FeatureSpec& embedding = image_embedding(context.features, "model.decoder: 'hierarchical'");
  nn::SamDecoderSpec spec;
  spec.channels = embedding.channels;
  spec.patch = {context.patch[1], context.patch[2]};
  spec.stride = {embedding.stride[1], embedding.stride[2]};
  spec.frame = embedding.frame;
  spec.depth = options.sizes.depth;
  spec.heads = options.sizes.heads;
  spec.mlp_channels = options.sizes.mlp_channels;
  spec.mask_tokens = context.classes;
  spec.upscale_channels = nn::upscale_channels_of(options.sizes.upscale_channels, embedding.channels);
  spec.order = options.layer_order == "sam" ? nn::LayerOrder::TokensFirst : nn::LayerOrder::ImageFirst;
  return spec;
}

// As many heads as divide the cells: 7 for 14 x 14, 8 for 32 x 32, as the released code has them.
int64_t heads_for(int64_t cells) {
  int64_t heads = kMostHeads;
  while (cells % heads != 0) --heads;
  return heads;
}

hierarchical::ClassGateSpec class_gate_of(const HierarchicalOptions& options, int64_t classes,
                                          const std::array<int64_t, 2>& grid) {
  const std::string form = gate_of(options);
  return {classes, grid, options.cmattn_heads.value_or(heads_for(grid[0] * grid[1])), options.cmattn_channels,
          form == "release"   ? GateForm::Release
          : form == "sigmoid" ? GateForm::Sigmoid
                              : GateForm::SpatialSoftmax};
}

hierarchical::SecondDecoderSpec second_of(const HierarchicalOptions& options, const nn::SamDecoderSpec& first,
                                          const std::array<int64_t, 2>& grid) {
  hierarchical::SecondDecoderSpec spec;
  spec.classes = first.mask_tokens;
  spec.transformer = nn::two_way_spec(first.channels, first.depth, first.heads, first.mlp_channels);
  spec.transformer.downsample = 1;
  spec.transformer.order = first.order;
  spec.upscale_channels = first.upscale_channels;
  if (gate_of(options) != "off") spec.gate = class_gate_of(options, first.mask_tokens, grid);
  spec.pixel_skip = options.pixel_skip;
  spec.hyper_layers = options.hyper_layers;
  spec.unused_tensors = release(options);
  return spec;
}

}  // namespace

void HierarchicalOptions::bind(OptionBinder& o) {
  o.field("stages", stages, "1: the first decoder alone; 2: both", Range{1, 2});
  o.field("layer_order", layer_order,
          "cross_first: in every layer tokens read the image before each other, as H-SAM; sam: the other way round",
          OneOf{"sam", "cross_first"});
  o.field("cmattn", cmattn,
          "Class-balanced mask-guided self-attention, a factor per cell of the embedding. none: spatial_softmax, or "
          "release with compat release; release: the released gate, which is 1 everywhere; off: no gate",
          OneOf{"off", "release", "spatial_softmax", "sigmoid"});
  o.field("cmattn_heads", cmattn_heads, "Its attention heads; they divide the cells. none: the most up to 8",
          AtLeast{1});
  o.field("cmattn_channels", cmattn_channels, "Hidden width of its MLP", AtLeast{1});
  o.field("cmattn_noise", cmattn_noise,
          "While training, dropout of a tenth and noise by the rarity of each cell's class on what the gate sees");
  o.field("noise_std", noise_std, "Standard deviations of that noise, rarest class of the batch first; then 0",
          AtLeast{0});
  o.field("mask_attn", mask_attn,
          "What the first decoder's class probabilities do to the second one's attention: multiply it behind the "
          "softmax, add their logarithm before it, or nothing",
          OneOf{"off", "mul_post", "add_log"});
  o.field("embed_noise", embed_noise,
          "While training, noise on the second decoder's embedding: this share of the embedding's range", AtLeast{0});
  o.field("token_dropout", token_dropout,
          "While training, share of what the second decoder's tokens read from the image that is dropped",
          Range{0, 0.99});
  o.field("pixel_skip", pixel_skip, "The first decoder's upscaled image stands beside the second one's");
  o.field("hyper_layers", hyper_layers, "Layers of the second decoder's hypernetworks", AtLeast{1});
  o.field("fuse", fuse, "What is predicted: the mean of both decoders' logits, or one of them",
          OneOf{"mean", "stage2", "stage1"});
  o.field(
      "compat", compat,
      "release: as the released code: the gate without effect, noise by the labels of other cells, tensors that are "
      "never used",
      OneOf{"repaired", "release"});
  sizes.bind(o);
}

void HierarchicalOptions::check(OptionErrors& errors, const std::string& where) const {
  if (stages == 1 && fuse == "stage2") errors.add(where + ".fuse", "is stage2, but there is one stage only");
  const size_t given = sizes.upscale_channels.size();
  if (given != 0 && given != 2)
    errors.add(where + ".upscale_channels",
               text("has ", given, " entries; expected 2, one for each doubling of the first decoder"));
  if (!sizes.upscale_channels.empty() && sizes.upscale_channels.back() < 2)
    errors.add(where + ".upscale_channels", "ends in 1; the second decoder halves it, so expected 2 or more");
}

Hierarchical::Hierarchical(const Options& options, const DecoderContext& context)
    : options_(options),
      noisy_(options.stages == 2 && options.cmattn_noise && gate_of(options) != "off"),
      classes_(context.classes),
      prompts_(context.prompts),
      decoder_(*this, *this, spec_of(options, context)) {
  if (options.stages == 1) return;
  const auto& grid = decoder_.grid();
  const int64_t cells = grid[0] * grid[1];
  if (options.cmattn_heads && cells % *options.cmattn_heads != 0) {
    throw ConfigError(text("model.decoder.cmattn_heads: ", *options.cmattn_heads, " heads cannot share the ", cells,
                           " cells of the embedding; expected a number that divides them, or none"));
  }
  second_ =
      register_module(kSecond, std::make_shared<hierarchical::SecondDecoder>(
                                   *this, text(kSecond, "."), second_of(options, spec_of(options, context), grid)));
}

torch::Tensor Hierarchical::labels_of_cells(const torch::Tensor& labels) const {
  const auto& [height, width] = decoder_.grid();
  const torch::Tensor slices = nn::fold_depth(labels);  // [N, 1, H, W]
  const int64_t count = slices.size(0), cells = height * width;
  // The released code cuts the batch's labels off behind as many values as there are cells: they are other places'.
  if (release(options_)) return slices.flatten().slice(0, 0, count * cells).view({count, cells});
  return at::_upsample_nearest_exact2d(slices.to(torch::kFloat32), {height, width}).to(torch::kInt64).flatten(1);
}

torch::Tensor Hierarchical::maps_of(const nn::SamDecoder::Result& first, const torch::Tensor& labels,
                                    Scene& scene) const {
  const torch::Tensor tokens = first.tokens.slice(1, 1, 1 + classes_);  // [N, K, C]
  torch::Tensor maps = at::matmul(tokens, first.image.flatten(1, 2).transpose(1, 2));
  if (!noisy_ || !scene.training()) return maps;
  maps = at::dropout(maps, kMapDropout, true);
  return labels.defined() ? hierarchical::with_class_noise(maps, labels_of_cells(labels), options_.noise_std) : maps;
}

Hierarchical::Stages Hierarchical::run(const torch::Tensor& embedding, const torch::Tensor& labels, const Axes& axes,
                                       Scene& scene) {
  const auto first = decoder_.decode(embedding, {}, axes, scene);
  Stages stages;
  stages.first = decoder_.head().masks(first.tokens, first.pixels, 0, classes_);  // [N, K, 4h, 4w]
  if (!second_) return stages;
  const auto& [height, width] = decoder_.grid();
  stages.prior = at::softmax(nn::resize_masks(stages.first, height, width), 1).flatten(2);  // [N, K, h*w]
  nn::TwoWayChanges changes;
  if (options_.mask_attn != "off") changes.gate.weight = stages.prior;
  if (options_.mask_attn == "add_log") changes.gate.form = nn::AttentionGate::Form::AddLog;
  nn::ImageKeys keys = first.keys;
  if (scene.training()) {
    changes.dropout = options_.token_dropout;
    const torch::Tensor range = embedding.max() - embedding.min();
    if (options_.embed_noise > 0) keys.rows = keys.rows + at::randn_like(keys.rows) * options_.embed_noise * range;
  }
  const auto second = second_->forward(keys, maps_of(first, labels, scene), first.pixels,
                                       nn::PromptAxes(axes, height, width), changes, scene);
  stages.second = second.masks;
  stages.gate = second.gate;
  return stages;
}

Output Hierarchical::output_of(const Stages& stages, const torch::Tensor& image, const Axes& axes, Scene& scene) const {
  const auto volume = [&](const torch::Tensor& masks) { return nn::unfold_depth(masks, axes.batch, axes.depth); };
  const auto full = [&](const torch::Tensor& masks) {
    return volume(nn::resize_masks(masks, image.size(3), image.size(4)));
  };
  Output output;
  output.image_index = axes.image_index;
  output.low_res = stages.second.defined() ? stages.second : stages.first;
  if (!stages.second.defined() || (!scene.training() && options_.fuse == "stage1")) {
    output.classes = full(stages.first);
  } else if (scene.training() || options_.fuse == "stage2") {
    output.classes = full(stages.second);
  } else {
    output.classes = (full(stages.first) + full(stages.second)) / 2;
  }
  if (!scene.training() || !stages.second.defined()) return output;
  Output coarse;
  coarse.classes = volume(stages.first);
  output.stages.push_back(std::move(coarse));
  return output;
}

Prediction Hierarchical::decode(Scene& scene, const Streams<Prompts>& prompts) {
  Prediction prediction;
  for (const auto& [stream, features] : scene.features) {
    const torch::Tensor image = scene.batch().images.at(stream);
    const auto& all = scene.batch().labels;
    const torch::Tensor labels = all.contains(stream) ? all.at(stream) : torch::Tensor();
    const Axes axes = prompt_rows(prompts.at(stream), prompts_, image.size(0), image.size(2), image.device());
    const Stages stages = run(features.at("embedding"), labels, axes, scene);
    if (stages.prior.defined()) prediction.aux["decoder.prior"] = stages.prior;
    if (stages.gate.defined()) prediction.aux["decoder.gate"] = stages.gate;
    prediction.aux["decoder.stage1"] = stages.first;
    if (stages.second.defined()) prediction.aux["decoder.stage2"] = stages.second;
    prediction.outputs.set(stream, output_of(stages, image, axes, scene));
  }
  return prediction;
}

}  // namespace lamina
