// A learned position along depth: tells the slices of a 2D network which slice they are (MaskSAM).
#include "depth_embedding.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/shape_check.hpp>

#include <cmath>

#include <torch/utils.h>

namespace lamina {
namespace {

// Cells along y and x of the decoder's maps.
std::vector<int64_t> decoder_grid(const HostInfo& host, const Size3& patch) {
  const FeatureSpec& spec =
      image_embedding(host.features, "a map per slice (spatial true, only at sites of a decoder)");
  return {std::lround(static_cast<double>(patch[1]) / spec.stride[1]),
          std::lround(static_cast<double>(patch[2]) / spec.stride[2])};
}

}  // namespace

void DepthEmbeddingOptions::bind(OptionBinder& o) {
  o.field("spatial", spatial, "A whole map per slice instead of one vector; for the decoder's position table");
}

DepthEmbeddingUnit::DepthEmbeddingUnit(const Site& site, int64_t depth, const std::vector<int64_t>& grid)
    : depth_(depth), spatial_(!grid.empty()) {
  const std::vector<int64_t> shape = spatial_ ? std::vector<int64_t>{depth, site.out_channels, grid[0], grid[1]}
                                              : std::vector<int64_t>{1, depth, site.out_channels};
  embedding_ = register_parameter("temporal_embedding", torch::zeros(shape));
}

torch::Tensor DepthEmbeddingUnit::apply(const SiteCall& call) {
  const Axes& axes = call.axes;
  if (axes.depth != depth_) {
    throw Error(text("depth_embedding at '", call.site.path, "' was built for ", depth_,
                     " slices (train.patch) and got ", axes.depth,
                     "; its vectors belong to that depth. Pad the volume, or train with another patch"));
  }
  torch::Tensor output = call.output;
  const bool shared = output.size(0) == 1 && axes.batch * depth_ > 1;
  if (shared) output = output.expand({axes.batch * depth_, -1, -1, -1});
  const int64_t rest = shared ? 1 : axes.queries * axes.windows;
  if (spatial_) {
    nn::require_shape(output, {axes.batch * depth_ * rest, embedding_.size(2), embedding_.size(3), embedding_.size(1)},
                      text("depth_embedding's input at '", call.site.path, "'"));
  }
  // [T, C, h, w] -> [T, 1, h, w, C], or [1, T, C] -> [T, 1, 1, 1, C]; rows are ordered (batch, depth, the rest)
  const torch::Tensor table =
      spatial_ ? embedding_.permute({0, 2, 3, 1}).unsqueeze(1) : embedding_.view({depth_, 1, 1, 1, -1});
  return (output.unflatten(0, {axes.batch, depth_, rest}) + table).flatten(0, 2);
}

DepthEmbedding::DepthEmbedding(const Options& options, const AdapterContext& context)
    : options_(options), patch_(context.patch) {}

std::vector<std::string> DepthEmbedding::default_sites() const {
  return {options_.spatial ? "decoder.dense_pe" : "encoder.embed"};
}

std::shared_ptr<AdapterUnit> DepthEmbedding::attach(const Site& site, const HostInfo& host) {
  if (site.layout != Layout::Grid || site.kind == SiteKind::Projection) {
    throw ConfigError(
        "depth_embedding adds to features on a grid, channels last; choose the site behind the patch embedding "
        "(encoder.embed), a block's output, or the decoder's position table (decoder.dense_pe)");
  }
  const std::vector<int64_t> grid = options_.spatial ? decoder_grid(host, patch_) : std::vector<int64_t>{};
  return std::make_shared<DepthEmbeddingUnit>(site, patch_[0], grid);
}

}  // namespace lamina
