// MobileSAM's image encoder: TinyViT, which sees a volume slice by slice.
#include "mobile_sam.hpp"

#include "window_block.hpp"

#include <lamina/base/text.hpp>
#include <lamina/model/slice_encoder.hpp>
#include <lamina/nn/checkpoint.hpp>
#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/shape_check.hpp>

#include <torch/utils.h>

namespace lamina {

using mobile_sam::Pass;

MobileSam::MobileSam(const Options& options, const BackboneContext& context)
    : options_(options), numbers_(mobile_sam::dimensions_of(options)), patch_(context.patch) {
  const int64_t first = numbers_.channels.front(), last = numbers_.channels.back();
  image_site_ =
      add_site({"image", SiteKind::Stream, Layout::Volume, context.image_channels, context.image_channels, 1, {}});
  embed_site_ = add_site(grid_site("embed", SiteKind::Stream, first));
  patch_embed_ = register_module("patch_embed", std::make_shared<mobile_sam::PatchEmbed>(first));
  std::vector<std::shared_ptr<torch::nn::Module>> layers;
  for (size_t i = 0; i < numbers_.stages(); ++i) layers.push_back(make_stage(i));
  register_module("layers", nn::make_list(layers));
  neck_ = register_module("neck", std::make_shared<nn::SamNeck>(*this, last, numbers_.out_channels));
}

std::shared_ptr<torch::nn::Module> MobileSam::make_stage(size_t index) {
  const int64_t channels = numbers_.channels[index];
  Stage stage;
  std::vector<std::shared_ptr<torch::nn::Module>> blocks;
  for (int64_t i = 0; i < numbers_.depths[index]; ++i) {
    const std::string path = text("layers.", index, ".blocks.", i);
    std::shared_ptr<mobile_sam::Block> block;
    if (index == 0) {
      block = std::make_shared<mobile_sam::MbConv>(*this, path, channels);
    } else {
      const mobile_sam::WindowAttention::Spec spec{channels, numbers_.heads[index], numbers_.windows[index]};
      block = std::make_shared<mobile_sam::WindowBlock>(*this, path, spec);
    }
    blocks.push_back(block);
    stage.steps.push_back({path, block});
  }
  const auto layer = std::make_shared<torch::nn::Module>("layer");
  layer->register_module("blocks", nn::make_list(blocks));
  if (index + 1 < numbers_.stages()) {
    const auto merge =
        std::make_shared<mobile_sam::PatchMerging>(channels, numbers_.channels[index + 1], numbers_.strides[index]);
    stage.steps.push_back({text("layers.", index, ".downsample"), layer->register_module("downsample", merge)});
  }
  stages_.push_back(std::move(stage));
  return layer;
}

void MobileSam::settle(Shape image) {
  const int64_t cell = numbers_.cell();
  require_slices(image, patch_, cell, text(cell, ", the side of a cell of model.encoder's embedding in pixels"));
  image_ = {image.size[1], image.size[2]};
  describe();
  for (auto& stage : stages_) {
    for (auto& step : stage.steps) step.checkpointed = options_.checkpoint && repeatable(*this, step.path + ".");
  }
}

void MobileSam::describe() {
  const auto add = [&](const std::string& name, int64_t channels, int64_t cell) {
    features_.push_back(slice_feature(name, channels, patch_, {image_[0] / cell, image_[1] / cell}));
  };
  int64_t taps = 0;
  for (size_t i = 0; i < stages_.size(); ++i) {
    const int64_t cell = numbers_.cell_behind(i);
    stages_[i].names = {text("stage.", i)};
    if (cell == numbers_.cell()) stages_[i].names.push_back(text("tap.", taps++));
    const int64_t channels = i + 1 < stages_.size() ? numbers_.channels[i + 1] : numbers_.channels[i];
    for (const auto& name : stages_[i].names) add(name, channels, cell);
  }
  add("embedding", numbers_.out_channels, numbers_.cell());
}

torch::Tensor MobileSam::embed(const torch::Tensor& image, Axes& axes, Scene& scene) {
  nn::require_shape(image, {nn::kAny, nn::kAny, nn::kAny, nn::kAny, nn::kAny}, "the encoder's image");
  axes.batch = image.size(0);
  axes.depth = image.size(2);
  const torch::Tensor slices = colour_slices(through(image_site_, image, image, axes, scene), image_[0], image_[1]);
  const torch::Tensor pixels = slices.permute({0, 2, 3, 1}).contiguous();
  const torch::Tensor grid = patch_embed_->forward(pixels, Pass::First);  // [B*D, H/4, W/4, C]
  axes.height = grid.size(1);
  axes.width = grid.size(2);
  return through(embed_site_, grid, grid, axes, scene);
}

torch::Tensor MobileSam::run(const Step& step, const torch::Tensor& grid, Axes axes, Scene& scene) {
  axes.height = grid.size(1);
  axes.width = grid.size(2);
  const auto& block = step.block;
  if (!step.checkpointed || !at::GradMode::is_enabled()) return block->forward(grid, axes, scene, Pass::First);
  // Backward may come when this forward's scene is gone; the copy also takes what a second run would write twice.
  const auto copy = std::make_shared<Scene>(scene);
  return nn::checkpoint(
      [&](const torch::Tensor& x) { return block->forward(x, axes, scene, Pass::First); },
      [block, axes, copy](const torch::Tensor& x) { return block->forward(x, axes, *copy, Pass::Again); }, grid);
}

Features MobileSam::encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) {
  Features features;
  Axes axes;
  torch::Tensor grid = embed(image, axes, scene);
  for (const auto& stage : stages_) {
    for (const auto& step : stage.steps) grid = run(step, grid, axes, scene);
    for (const auto& name : stage.names) {
      if (wanted.contains(name)) features.set(name, grid.permute({0, 3, 1, 2}));
    }
  }
  axes.height = grid.size(1);
  axes.width = grid.size(2);
  if (wanted.contains("embedding")) features.set("embedding", neck_->forward(grid, axes, scene));
  return features;
}

}  // namespace lamina
