// nnU-Net's decoder: transposed convolutions upwards, skips beside them, a segmentation layer at every resolution.
#include "unet.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/shape_check.hpp>

#include <algorithm>

#include <torch/types.h>

namespace lamina {
namespace {

std::vector<std::string> names_of(const std::vector<FeatureSpec>& specs) {
  std::vector<std::string> names;
  for (const auto& spec : specs) names.push_back(spec.name);
  return names;
}

// stage.0, stage.1, ... as far as they go; refuses what is no pyramid from full resolution downwards.
std::vector<FeatureSpec> pyramid_of(const std::vector<FeatureSpec>& features) {
  const auto names = names_of(features);
  std::vector<FeatureSpec> pyramid;
  while (std::find(names.begin(), names.end(), text("stage.", pyramid.size())) != names.end()) {
    pyramid.push_back(spec_of(features, text("stage.", pyramid.size())));
  }
  const bool full = pyramid.size() >= 2 && pyramid[0].stride == std::array<double, 3>{1, 1, 1};
  if (full) return pyramid;
  throw ConfigError(
      text("model.decoder: 'unet' needs the features stage.0 (at the image's resolution), stage.1, ..., as "
           "'unet_encoder' makes them; "
           "this encoder offers: ",
           names.empty() ? "none" : join(names)));
}

// How much finer `skip` is than `below`, for the axes that the network has.
std::vector<int64_t> growth(const FeatureSpec& below, const FeatureSpec& skip) {
  std::vector<int64_t> factors;
  for (size_t axis = skip.folded ? 1 : 0; axis < 3; ++axis) {
    const double factor = below.stride[axis] / skip.stride[axis];
    if (factor < 1 || factor != std::floor(factor)) {
      throw ConfigError(text("model.decoder: 'unet' cannot go from ", below.name, " to ", skip.name, ": the strides ",
                             join(below.stride), " and ", join(skip.stride), " are no whole multiples"));
    }
    factors.push_back(static_cast<int64_t>(factor));
  }
  return factors;
}

std::vector<int64_t> own_axes(const Size3& values, bool folded) {
  return {values.begin() + (folded ? 1 : 0), values.end()};
}

std::shared_ptr<torch::nn::Module> list_of(const auto& modules) {
  return nn::make_list({modules.begin(), modules.end()});
}

}  // namespace

void UnetOptions::bind(OptionBinder& o) {
  o.field("deep_supervision", deep_supervision,
          "While training, predict at every resolution but the lowest; the weights exist in any case");
  o.field("convs_per_stage", convs_per_stage, "Convolutions after each skip, coarsest first; one number for all",
          AtLeast{1});
  o.field("conv_bias", conv_bias, "Convolutions have a bias");
}

Unet::Unet(const Options& options, const DecoderContext& context)
    : options_(options), pyramid_(pyramid_of(context.features)), folded_(pyramid_[0].folded) {
  const size_t levels = pyramid_.size() - 1;
  auto& convs = options_.convs_per_stage;
  if (convs.size() == 1) convs.resize(levels, convs[0]);
  if (convs.size() != levels) {
    throw ConfigError(text("model.decoder.convs_per_stage: has ", convs.size(), " entries; expected one for all, or ",
                           levels, " (one less than the encoder's ", pyramid_.size(), " stages)"));
  }
  for (size_t level = 0; level < levels; ++level)
    make_level(pyramid_[levels - level], pyramid_[levels - level - 1], convs[level], context);
  register_module("stages", list_of(stages_));
  register_module("transpconvs", list_of(transpconvs_));
  register_module("seg_layers", list_of(seg_layers_));
}

void Unet::make_level(const FeatureSpec& below, const FeatureSpec& skip, int64_t convs, const DecoderContext& context) {
  const auto factors = growth(below, skip);
  const std::vector<int64_t> ones(factors.size(), 1);
  transpconvs_.push_back(
      std::make_shared<nn::Conv>(nn::ConvSpec{below.channels, skip.channels, factors, factors, options_.conv_bias},
                                 nn::Conv::Direction::Transposed));
  stages_.push_back(std::make_shared<nn::ConvStack>(
      convs, nn::ConvSpec{2 * skip.channels, skip.channels, own_axes(skip.kernel, folded_), ones, options_.conv_bias}));
  seg_layers_.push_back(std::make_shared<nn::Conv>(nn::ConvSpec{skip.channels, context.classes, ones, ones, true}));
}

std::vector<std::string> Unet::needs() const { return names_of(pyramid_); }

torch::Tensor Unet::classes(size_t level, const torch::Tensor& features, int64_t batch) const {
  const torch::Tensor logits = seg_layers_[level]->forward(features);
  return folded_ ? nn::unfold_depth(logits, batch, logits.size(0) / batch) : logits;  // [B, K, D, h, w]
}

Output Unet::decode_stream(const Features& features, const Size3& image, int64_t batch, bool training) const {
  torch::Tensor x = features.at(pyramid_.back().name);
  Output output;
  for (size_t level = 0; level < stages_.size(); ++level) {
    const torch::Tensor skip = features.at(pyramid_[stages_.size() - level - 1].name);
    const torch::Tensor up = transpconvs_[level]->forward(x);
    nn::require_shape(
        up, skip.sizes().vec(),
        text("the U-Net decoder's upsampled features beside ", pyramid_[stages_.size() - level - 1].name));
    x = stages_[level]->forward(at::cat({up, skip}, 1));
    const bool finest = level + 1 == stages_.size();
    if (finest) {
      output.classes = classes(level, x, batch);
    } else if (training && options_.deep_supervision) {
      Output coarse;
      coarse.classes = classes(level, x, batch);
      output.stages.insert(output.stages.begin(), std::move(coarse));
    }
  }
  nn::require_shape(output.classes, {batch, nn::kAny, image[0], image[1], image[2]}, "the U-Net decoder's classes");
  return output;
}

Prediction Unet::decode(Scene& scene, const Streams<Prompts>&) {
  Prediction prediction;
  for (const auto& [stream, features] : scene.features) {
    const torch::Tensor image = scene.batch().images.at(stream);
    prediction.outputs.set(stream, decode_stream(features, {image.size(2), image.size(3), image.size(4)}, image.size(0),
                                                 scene.training()));
  }
  return prediction;
}

}  // namespace lamina
