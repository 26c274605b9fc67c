#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/nn/shape_check.hpp>

#include <cmath>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

PromptEncoderSpec prompt_encoder_of(const SamDecoderSpec& spec) {
  PromptEncoderSpec result;
  result.channels = spec.channels;
  result.grid = grid_of(spec.patch, spec.stride);
  result.stride = spec.stride;
  result.frame = spec.frame;
  result.centre = spec.centre;
  return result;
}

TwoWaySpec transformer_of(const SamDecoderSpec& spec) {
  TwoWaySpec result = two_way_spec(spec.channels, spec.depth, spec.heads, spec.mlp_channels);
  result.order = spec.order;
  return result;
}

MaskHeadSpec head_of(const SamDecoderSpec& spec) {
  return {spec.channels, spec.mask_tokens, upscale_channels_of(spec.upscale_channels, spec.channels), 1};
}

}  // namespace

TwoWaySpec two_way_spec(int64_t channels, int64_t depth, int64_t heads, int64_t mlp_channels) {
  TwoWaySpec result;
  result.channels = channels;
  result.depth = depth;
  result.heads = heads;
  result.mlp_channels = mlp_channels;
  if (channels % (heads * result.downsample) == 0) return result;
  throw ConfigError(text("the embedding's ", channels, " channels cannot be shared by ", heads,
                         " heads, whose attention to the image works on half of them; expected heads such that ",
                         result.downsample, " x heads divides ", channels));
}

std::vector<int64_t> upscale_channels_of(const std::vector<int64_t>& given, int64_t channels) {
  const std::vector<int64_t> result = given.empty() ? std::vector<int64_t>{channels / 4, channels / 8} : given;
  for (const int64_t one : result) {
    if (one < 1)
      throw ConfigError(text("the embedding's ", channels, " channels are too few to be halved with each of the ",
                             result.size(), " doublings; give upscale_channels, one for each"));
  }
  return result;
}

std::array<int64_t, 2> grid_of(const std::array<int64_t, 2>& patch, const std::array<double, 2>& stride) {
  std::array<int64_t, 2> grid{};
  for (size_t axis = 0; axis < 2; ++axis) {
    const double cells = static_cast<double>(patch[axis]) / stride[axis];
    grid[axis] = static_cast<int64_t>(std::lround(cells));
    if (grid[axis] >= 1 && std::abs(cells - static_cast<double>(grid[axis])) < 1e-6) continue;
    throw ConfigError(text("a patch of ", patch[axis], " pixels along ", axis == 0 ? "y" : "x",
                           " is no whole number of the embedding's cells of ", stride[axis],
                           " pixels; expected a multiple"));
  }
  return grid;
}

SamDecoder::SamDecoder(torch::nn::Module& owner, SiteHost& host, const SamDecoderSpec& spec)
    : host_(host),
      prompt_encoder_(
          owner.register_module("prompt_encoder", std::make_shared<PromptEncoder>(prompt_encoder_of(spec)))),
      transformer_(
          owner.register_module("transformer", std::make_shared<TwoWayTransformer>(host, transformer_of(spec)))),
      head_(owner, head_of(spec)),
      dense_pe_(host.add_site({"dense_pe", SiteKind::Stream, Layout::Grid, spec.channels, spec.channels, 1, {}})) {}

torch::Tensor SamDecoder::tokens_of(const SamPrompts& prompts, int64_t count) const {
  const torch::Tensor own = head_.tokens();  // [1, 1 + M, C]
  std::vector<torch::Tensor> tokens{own.expand({count, own.size(1), own.size(2)})};
  const auto add = [&](const torch::Tensor& given, const char* what) {
    if (!given.defined()) return;
    require_shape(given, {count, kAny, own.size(2)}, what);
    tokens.push_back(given);
  };
  add(prompt_encoder_->sparse(prompts.points, prompts.point_labels, prompts.boxes), "tokens of points and boxes");
  add(prompts.sparse, "ready prompt tokens");
  add(prompts.last, "closing tokens");
  return at::cat(tokens, 1);
}

ImageKeys SamDecoder::keys_of(const torch::Tensor& embedding, const SamPrompts& prompts, const Axes& axes,
                              Scene& scene) const {
  const auto& [height, width] = grid();
  const int64_t channels = prompt_encoder_->spec().channels, slices = axes.batch * axes.depth;
  const int64_t count = axes.image_index.size(0);
  require_shape(embedding, {slices, channels, height, width}, "the decoder's image embedding");
  if (prompts.mask_logits.defined() && prompts.dense.defined())
    throw Error("prompts bring both masks and ready dense embeddings; expected one of them");
  const torch::Tensor image = embedding.permute({0, 2, 3, 1});  // [B*D, h, w, C]
  ImageKeys keys;
  Axes cells = axes;
  cells.queries = 1;
  cells.height = height;
  cells.width = width;
  const torch::Tensor position = prompt_encoder_->dense_pe();
  keys.position = host_.through(dense_pe_, position, position, cells, scene);
  torch::Tensor dense;
  if (prompts.mask_logits.defined()) dense = prompt_encoder_->dense(prompts.mask_logits);
  if (prompts.dense.defined()) dense = prompts.dense.permute({0, 2, 3, 1});
  if (!dense.defined()) {
    keys.rows = image + prompt_encoder_->no_mask();
    keys.shared = true;
    return keys;
  }
  require_shape(dense, {count, height, width, channels}, "dense embeddings of the prompts");
  if (axes.queries > 0) {
    // [B*D, 1, h, w, C] + [B*D, Q, h, w, C]: no copy of the embedding per prompt.
    keys.rows = (image.unsqueeze(1) + dense.unflatten(0, {slices, axes.queries})).flatten(0, 1);
  } else {
    keys.rows = image.index_select(0, axes.image_index) + dense;
  }
  return keys;
}

SamDecoder::Result SamDecoder::decode(const torch::Tensor& embedding, const SamPrompts& prompts, const Axes& axes,
                                      Scene& scene) {
  const torch::Tensor tokens = tokens_of(prompts, axes.image_index.size(0));
  const ImageKeys keys = keys_of(embedding, prompts, axes, scene);
  const auto& [height, width] = grid();
  TwoWayTransformer::Result mixed = transformer_->forward(tokens, keys, PromptAxes(axes, height, width), scene);
  return {mixed.tokens, head_.upscale(mixed.image), mixed.image, keys, std::move(mixed.layers)};
}

torch::Tensor resize_masks(const torch::Tensor& masks, int64_t height, int64_t width) {
  if (masks.size(-2) == height && masks.size(-1) == width) return masks;
  return at::upsample_bilinear2d(masks, {height, width}, false);
}

}  // namespace lamina::nn
