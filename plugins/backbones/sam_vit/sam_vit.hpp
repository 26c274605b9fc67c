// SAM's image encoder: a vision transformer that sees a volume slice by slice. Features embedding, tap.<k>, block.<i>.
#pragma once

#include "options.hpp"

#include <lamina/model/backbone.hpp>
#include <lamina/nn/sam_neck.hpp>
#include <lamina/nn/vit_block.hpp>

#include <memory>
#include <string>
#include <vector>

#include <torch/nn/modules/conv.h>

namespace lamina {

namespace sam_vit {

/// [N, 3, H, W] -> tokens [N, H/p, W/p, C]: one linear map of each patch of pixels. Parameters: "proj.*".
class PatchEmbed : public torch::nn::Module {
 public:
  PatchEmbed(int64_t patch_size, int64_t channels);
  torch::Tensor forward(const torch::Tensor& slices);

 private:
  int64_t patch_size_;
  torch::nn::Conv2d proj_{nullptr};
};

/// What a network of these sizes takes from a pretrained one.
struct TableSizes {
  std::array<int64_t, 2> position{};            ///< rows and columns of pos_embed
  std::vector<std::array<int64_t, 2>> rel_pos;  ///< rows of rel_pos_h and rel_pos_w, per block
};

/// Brings position tables to these sizes: pos_embed bilinearly, or its top left part with `crop`; tables of relative
/// position linearly along their rows, each by its block's number. Logs what it changed.
StateDict fit_tables(StateDict pretrained, const TableSizes& sizes, bool crop);

}  // namespace sam_vit

class SamVit : public Backbone {
 public:
  using Options = SamVitOptions;
  SamVit(const Options& options, const BackboneContext& context);

  void settle(Shape image) override;
  std::vector<FeatureSpec> features() const override { return features_; }
  Features encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) override;
  StateDict fit_weights(StateDict pretrained) const override;

 private:
  void make_blocks();
  void make_tables();
  void describe();
  torch::Tensor embed(const torch::Tensor& image, Axes& axes, Scene& scene);
  torch::Tensor run_block(size_t index, const torch::Tensor& tokens, const Axes& axes, Scene& scene);

  Options options_;
  sam_vit::Dimensions numbers_;
  Size3 patch_;                    // what the user's patch measures, before any stem
  std::array<int64_t, 2> grid_{};  // tokens along y, x
  std::shared_ptr<sam_vit::PatchEmbed> patch_embed_;
  torch::Tensor pos_embed_;
  std::vector<std::shared_ptr<nn::VitBlock>> blocks_;
  std::vector<bool> checkpointed_;
  std::vector<std::vector<std::string>> names_;  // features behind each block
  std::shared_ptr<nn::SamNeck> neck_;
  SiteId image_site_, embed_site_;
  std::vector<FeatureSpec> features_;
};

}  // namespace lamina
