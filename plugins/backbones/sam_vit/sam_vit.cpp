// SAM's image encoder: a vision transformer that sees a volume slice by slice.
#include "sam_vit.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/slice_encoder.hpp>
#include <lamina/nn/checkpoint.hpp>
#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/nn/truncated_normal.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace sam_vit {
namespace {

constexpr int64_t kColours = 3;

/// Linear maps truncated normal, biases 0; convolutions and norms stay as torch makes them.
void start_from_scratch(torch::nn::Module& block) {
  const torch::NoGradGuard no_grad;
  for (auto& item : block.named_parameters()) {
    const std::string& name = item.key();
    if (name.find("norm") != std::string::npos) continue;
    if (name.ends_with(".weight")) nn::draw_truncated_normal(item.value());
    if (name.ends_with(".bias")) item.value().zero_();
  }
}

}  // namespace

PatchEmbed::PatchEmbed(int64_t patch_size, int64_t channels) : patch_size_(patch_size) {
  proj_ = register_module(
      "proj", torch::nn::Conv2d(torch::nn::Conv2dOptions(kColours, channels, patch_size).stride(patch_size)));
  const torch::NoGradGuard no_grad;
  proj_->bias.zero_();
}

torch::Tensor PatchEmbed::forward(const torch::Tensor& slices) {
  // A convolution whose stride is its kernel is a linear map of patches; so the tokens come out channels last.
  const torch::Tensor patches = slices.unflatten(3, {-1, patch_size_})
                                    .unflatten(2, {-1, patch_size_})  // [N, 3, gh, p, gw, p]
                                    .permute({0, 2, 4, 1, 3, 5})
                                    .flatten(3);  // [N, gh, gw, 3*p*p]
  return at::linear(patches, proj_->weight.flatten(1), proj_->bias);
}

}  // namespace sam_vit

SamVit::SamVit(const Options& options, const BackboneContext& context)
    : options_(options), numbers_(sam_vit::dimensions_of(options)), patch_(context.patch) {
  const int64_t channels = numbers_.embed_dim;
  image_site_ =
      add_site({"image", SiteKind::Stream, Layout::Volume, context.image_channels, context.image_channels, 1, {}});
  embed_site_ = add_site(grid_site("embed", SiteKind::Stream, channels));
  patch_embed_ = register_module("patch_embed", std::make_shared<sam_vit::PatchEmbed>(numbers_.patch_size, channels));
  make_blocks();
  neck_ = register_module("neck", std::make_shared<nn::SamNeck>(*this, channels, numbers_.out_channels));
}

void SamVit::make_blocks() {
  nn::VitBlockOptions block;
  block.channels = numbers_.embed_dim;
  block.heads = numbers_.heads;
  block.path = options_.attention == "plain" ? nn::AttentionPath::Plain : nn::AttentionPath::Tiled;
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < numbers_.depth; ++i) {
    const auto& global = numbers_.global_blocks;
    const auto place = std::find(global.begin(), global.end(), i);
    block.window = place == global.end() ? numbers_.window : 0;
    blocks_.push_back(std::make_shared<nn::VitBlock>(*this, text("blocks.", i), block));
    sam_vit::start_from_scratch(*blocks_.back());
    children.push_back(blocks_.back());
  }
  register_module("blocks", nn::make_list(children));
}

void SamVit::settle(Shape image) {
  const int64_t side = numbers_.patch_size;
  require_slices(image, patch_, side, text("model.encoder.patch_size ", side));
  grid_ = {image.size[1] / side, image.size[2] / side};
  make_tables();
  describe();
  for (size_t i = 0; i < blocks_.size(); ++i)
    checkpointed_.push_back(options_.checkpoint && repeatable(*this, text("blocks.", i, ".")));
}

void SamVit::make_tables() {
  const std::array<int64_t, 2> table =
      numbers_.table > 0 ? std::array<int64_t, 2>{numbers_.table, numbers_.table} : grid_;
  const bool crop = options_.position == "crop";
  if (crop && (grid_[0] > table[0] || grid_[1] > table[1])) {
    throw ConfigError(text("model.encoder.position: a grid of ", grid_[0], " x ", grid_[1],
                           " tokens cannot be cropped from a table of ", table[0], " x ", table[1],
                           "; take position resize, a larger table or a smaller train.patch"));
  }
  const auto& size = crop ? table : grid_;
  pos_embed_ = register_parameter("pos_embed", torch::empty({1, size[0], size[1], numbers_.embed_dim}));
  nn::draw_truncated_normal(pos_embed_);
  const auto& rows = options_.rel_pos == "runtime" ? table : grid_;
  for (const auto& block : blocks_) block->make_tables(rows[0], rows[1]);
}

void SamVit::describe() {
  FeatureSpec spec = slice_feature("", numbers_.embed_dim, patch_, grid_);
  // Positions 0 to 1 span what the position table spans; a cropped one spans more than the patch.
  if (options_.position == "crop") {
    for (size_t axis = 0; axis < 2; ++axis)
      spec.frame[axis] = spec.stride[axis + 1] * static_cast<double>(pos_embed_.size(static_cast<int64_t>(axis) + 1));
  }
  const auto& global = numbers_.global_blocks;
  int64_t taps = 0;
  for (int64_t i = 0; i < numbers_.depth; ++i) {
    names_.push_back({text("block.", i)});
    if (std::find(global.begin(), global.end(), i) != global.end()) names_.back().push_back(text("tap.", taps++));
    for (const auto& name : names_.back()) {
      spec.name = name;
      features_.push_back(spec);
    }
  }
  spec.name = "embedding";
  spec.channels = numbers_.out_channels;
  features_.push_back(spec);
}

torch::Tensor SamVit::embed(const torch::Tensor& image, Axes& axes, Scene& scene) {
  nn::require_shape(image, {nn::kAny, nn::kAny, nn::kAny, nn::kAny, nn::kAny}, "the encoder's image");
  axes.batch = image.size(0);
  axes.depth = image.size(2);
  const int64_t side = numbers_.patch_size;
  const torch::Tensor slices =
      colour_slices(through(image_site_, image, image, axes, scene), grid_[0] * side, grid_[1] * side);
  axes.height = grid_[0];
  axes.width = grid_[1];
  const torch::Tensor position = pos_embed_.slice(1, 0, grid_[0]).slice(2, 0, grid_[1]);
  const torch::Tensor tokens = patch_embed_->forward(slices) + position;  // [B*D, gh, gw, C]
  return through(embed_site_, tokens, tokens, axes, scene);
}

torch::Tensor SamVit::run_block(size_t index, const torch::Tensor& tokens, const Axes& axes, Scene& scene) {
  const auto& block = blocks_[index];
  if (!checkpointed_[index] || !at::GradMode::is_enabled()) return block->forward(tokens, axes, scene);
  // Backward may come when this forward's scene is gone; the copy also takes what a second run would write twice.
  const auto copy = std::make_shared<Scene>(scene);
  return nn::checkpoint([&](const torch::Tensor& x) { return block->forward(x, axes, scene); },
                        [block, axes, copy](const torch::Tensor& x) { return block->forward(x, axes, *copy); }, tokens);
}

Features SamVit::encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) {
  Features features;
  Axes axes;
  torch::Tensor tokens = embed(image, axes, scene);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    tokens = run_block(i, tokens, axes, scene);
    for (const auto& name : names_[i]) {
      if (wanted.contains(name)) features.set(name, tokens.permute({0, 3, 1, 2}));
    }
  }
  if (wanted.contains("embedding")) features.set("embedding", neck_->forward(tokens, axes, scene));
  return features;
}

StateDict SamVit::fit_weights(StateDict pretrained) const {
  sam_vit::TableSizes sizes;
  sizes.position = {pos_embed_.size(1), pos_embed_.size(2)};
  const auto parameters = named_parameters();
  for (size_t i = 0; i < blocks_.size(); ++i) {
    sizes.rel_pos.push_back({parameters[text("blocks.", i, ".attn.rel_pos_h")].size(0),
                             parameters[text("blocks.", i, ".attn.rel_pos_w")].size(0)});
  }
  return sam_vit::fit_tables(std::move(pretrained), sizes, options_.position == "crop");
}

}  // namespace lamina
