// MobileSAM's image encoder: TinyViT, which sees a volume slice by slice. Features embedding, stage.<i>, tap.<k>.
#pragma once

#include "conv_blocks.hpp"
#include "options.hpp"

#include <lamina/model/backbone.hpp>
#include <lamina/nn/sam_neck.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina {

class MobileSam : public Backbone {
 public:
  using Options = MobileSamOptions;
  MobileSam(const Options& options, const BackboneContext& context);

  void settle(Shape image) override;
  std::vector<FeatureSpec> features() const override { return features_; }
  Features encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) override;

 private:
  struct Step {
    std::string path;  // "layers.1.blocks.0"
    std::shared_ptr<mobile_sam::Block> block;
    bool checkpointed = false;
  };
  struct Stage {
    std::vector<Step> steps;         // its blocks, and the merge behind them
    std::vector<std::string> names;  // features behind it
  };

  std::shared_ptr<torch::nn::Module> make_stage(size_t index);
  void describe();
  torch::Tensor embed(const torch::Tensor& image, Axes& axes, Scene& scene);
  torch::Tensor run(const Step& step, const torch::Tensor& grid, Axes axes, Scene& scene);

  Options options_;
  mobile_sam::Dimensions numbers_;
  Size3 patch_;                     // what the user's patch measures, before any stem
  std::array<int64_t, 2> image_{};  // pixels along y, x, behind it
  std::shared_ptr<mobile_sam::PatchEmbed> patch_embed_;
  std::vector<Stage> stages_;
  std::shared_ptr<nn::SamNeck> neck_;
  SiteId image_site_, embed_site_;
  std::vector<FeatureSpec> features_;
};

}  // namespace lamina
