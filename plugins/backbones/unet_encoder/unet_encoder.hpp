// nnU-Net's encoder, plain or residual, in two or three dimensions. Features stage.0 (finest) to stage.n-1.
#pragma once

#include "stages.hpp"
#include "topology.hpp"

#include <lamina/model/backbone.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct UnetEncoderOptions {
  int64_t dimensions = 3, base_channels = 32;
  std::vector<int64_t> channels, blocks;
  ConfigNode kernels = ConfigNode::parse("\"auto\""), strides = ConfigNode::parse("\"auto\"");
  std::array<double, 3> spacing{1, 1, 1};
  bool residual = false, conv_bias = true;
  std::string memory_format = "channels_last";
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class UnetEncoder : public Backbone {
 public:
  using Options = UnetEncoderOptions;
  UnetEncoder(const Options& options, const BackboneContext& context);

  void settle(Shape image) override;
  std::vector<FeatureSpec> features() const override { return features_; }
  Features encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) override;

 private:
  void plan(const Options& options, const Size3& patch);
  void make_stages(const Options& options, int64_t image_channels);
  void describe(const std::vector<int64_t>& channels, const Size3& patch);
  torch::Tensor visit(size_t stage, torch::Tensor features, const Axes& axes, Scene& scene) const;

  int64_t dimensions_;
  nn::MemoryFormat format_;
  unet_encoder::Topology topology_;
  std::shared_ptr<nn::ConvStack> stem_;  // residual only
  std::vector<std::shared_ptr<unet_encoder::Stage>> stages_;
  std::vector<SiteId> sites_;
  std::vector<FeatureSpec> features_;
};

}  // namespace lamina
