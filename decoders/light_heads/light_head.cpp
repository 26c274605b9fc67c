// From the class logits of slices to an output.
#include "light_head.hpp"

#include <lamina/base/text.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/nn/shape_check.hpp>

#include <torch/utils.h>

namespace lamina {

LightHead::LightHead(const std::string& name, const DecoderContext& context)
    : embedding_(image_embedding(context.features, text("model.decoder: '", name, "'"))), classes_(context.classes) {}

Prediction LightHead::decode(Scene& scene, const Streams<Prompts>&) {
  Prediction prediction;
  for (const auto& [stream, features] : scene.features) {
    const torch::Tensor image = scene.batch().images.at(stream);
    Axes axes;
    axes.batch = image.size(0);
    axes.depth = image.size(2);
    const torch::Tensor slices = features.at("embedding");
    nn::require_shape(slices, {axes.batch * axes.depth, embedding_.channels, nn::kAny, nn::kAny},
                      "the head's image embedding");
    Output output;
    output.low_res = logits(slices, axes, scene);
    output.classes =
        nn::unfold_depth(nn::resize_masks(output.low_res, image.size(3), image.size(4)), axes.batch, axes.depth);
    output.image_index = at::arange(slices.size(0), torch::dtype(torch::kInt64).device(slices.device()));
    prediction.outputs.set(stream, std::move(output));
  }
  return prediction;
}

}  // namespace lamina
