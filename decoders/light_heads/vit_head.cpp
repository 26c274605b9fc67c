// A mask per class from SAM's mask decoder.
#include "vit_head.hpp"

#include <lamina/nn/sam_decoder.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kMaskTokens = 2;  // of each class; only the first is used

nn::TwoWaySpec transformer_of(const SamDecoderOptions& sizes, int64_t channels) {
  return nn::two_way_spec(channels, sizes.depth, sizes.heads, sizes.mlp_channels);
}

nn::MaskHeadSpec masks_of(const SamDecoderOptions& sizes, int64_t channels, int64_t classes) {
  return {channels, kMaskTokens, nn::upscale_channels_of(sizes.upscale_channels, channels), classes};
}

}  // namespace

VitHead::VitHead(const Options& options, const DecoderContext& context)
    : LightHead("vit_head", context),
      grid_(nn::grid_of({context.patch[1], context.patch[2]}, {embedding().stride[1], embedding().stride[2]})),
      frame_{embedding().frame[0] / embedding().stride[1], embedding().frame[1] / embedding().stride[2]},
      pe_layer_(register_module("pe_layer", std::make_shared<nn::FourierPe>(embedding().channels))),
      transformer_(register_module("transformer", std::make_shared<nn::TwoWayTransformer>(
                                                      *this, transformer_of(options.sizes, embedding().channels)))),
      head_(*this, masks_of(options.sizes, embedding().channels, classes())),
      dense_pe_(add_site(grid_site("dense_pe", SiteKind::Stream, embedding().channels))) {}

torch::Tensor VitHead::logits(const torch::Tensor& embedding, const Axes& slices, Scene& scene) {
  const int64_t count = embedding.size(0);
  Axes cells = slices;
  cells.height = grid_[0];
  cells.width = grid_[1];
  nn::ImageKeys keys;
  keys.rows = embedding.permute({0, 2, 3, 1});  // [B*D, h, w, C], one row for all classes of a slice
  keys.shared = true;
  const torch::Tensor position = pe_layer_->grid(grid_, frame_).unsqueeze(0);
  keys.position = through(dense_pe_, position, position, cells, scene);

  Axes queries = slices;
  queries.queries = classes();
  queries.image_index =
      at::arange(count, torch::dtype(torch::kInt64).device(embedding.device())).repeat_interleave(classes());
  const torch::Tensor tokens = head_.tokens().repeat({count, 1, 1});  // [B*D*K, 3, C], classes fastest
  const auto mixed = transformer_->forward(tokens, keys, nn::PromptAxes(queries, grid_[0], grid_[1]), scene);
  const torch::Tensor masks = head_.masks(mixed.tokens, head_.upscale(mixed.image), 0, 1);  // [B*D*K, 1, 4h, 4w]
  return masks.unflatten(0, {count, classes()}).squeeze(2);
}

}  // namespace lamina
