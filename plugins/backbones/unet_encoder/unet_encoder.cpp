// nnU-Net's encoder: stages of convolutions, each with a stride, and a site behind each.
#include "unet_encoder.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/shape_check.hpp>

#include <algorithm>

#include <torch/types.h>

namespace lamina {
namespace {

using unet_encoder::Stage;
using unet_encoder::Topology;

constexpr int64_t kMostChannels3d = 320, kMostChannels2d = 512;

// A table of the experiment as (z, y, x) per stage.
std::vector<Size3> read_table(const ConfigNode& table) {
  std::vector<Size3> rows;
  for (size_t i = 0; i < table.size(); ++i) {
    const ConfigNode row = table.at(i);
    Size3 entry{1, 1, 1};
    for (size_t j = 0; j < row.size(); ++j) entry[3 - row.size() + j] = row.at(j).as_integer();
    rows.push_back(entry);
  }
  return rows;
}

std::vector<int64_t> last(const Size3& values, int64_t count) { return {values.end() - count, values.end()}; }

std::vector<int64_t> channels_of(const UnetEncoderOptions& options, size_t stages) {
  if (!options.channels.empty()) return options.channels;
  const int64_t most = std::max(options.base_channels, options.dimensions == 3 ? kMostChannels3d : kMostChannels2d);
  std::vector<int64_t> channels;
  for (size_t i = 0; i < stages; ++i)
    channels.push_back(std::min(most, i == 0 ? options.base_channels : channels.back() * 2));
  return channels;
}

int64_t blocks_of(const UnetEncoderOptions& options, size_t stage) {
  static constexpr int64_t kResidual[] = {1, 3, 4, 6};
  if (options.blocks.empty()) return options.residual ? kResidual[std::min<size_t>(stage, 3)] : 2;
  return options.blocks.size() == 1 ? options.blocks[0] : options.blocks[stage];
}

}  // namespace

UnetEncoder::UnetEncoder(const Options& options, const BackboneContext& context)
    : dimensions_(options.dimensions),
      format_(options.memory_format == "contiguous" ? nn::MemoryFormat::Contiguous : nn::MemoryFormat::ChannelsLast) {
  plan(options, context.patch);
  make_stages(options, context.image_channels);
  describe(channels_of(options, topology_.strides.size()), context.patch);
}

void UnetEncoder::plan(const Options& options, const Size3& patch) {
  const size_t wanted = !options.channels.empty()    ? options.channels.size()
                        : options.strides.is_array() ? options.strides.size()
                        : options.kernels.is_array() ? options.kernels.size()
                                                     : 0;
  topology_ = unet_encoder::plan_topology(patch, options.spacing, dimensions_, wanted);
  const size_t possible = topology_.strides.size();
  if (options.strides.is_array()) topology_.strides = read_table(options.strides);
  if (options.kernels.is_array()) topology_.kernels = read_table(options.kernels);
  const size_t stages = wanted == 0 ? possible : wanted;
  if (topology_.strides.size() != stages) {
    throw ConfigError(text("a patch of ", join(patch, " x "), " can be halved ", possible - 1,
                           " times, so it has room for ", possible, " stages; ", stages,
                           " are asked for. Shorten channels, enlarge the patch, or give strides"));
  }
  // Strides by hand with more stages than the pooling rules would make: the widest kernels go on.
  while (topology_.kernels.size() < stages) topology_.kernels.push_back(topology_.kernels.back());
  topology_.kernels.resize(stages);
}

void UnetEncoder::make_stages(const Options& options, int64_t image_channels) {
  const auto channels = channels_of(options, topology_.strides.size());
  nn::ConvSpec spec{image_channels, channels[0], last(topology_.kernels[0], dimensions_),
                    std::vector<int64_t>(static_cast<size_t>(dimensions_), 1), options.conv_bias};
  if (options.residual) {
    stem_ = register_module("stem", std::make_shared<nn::ConvStack>(1, spec));
    spec.in_channels = channels[0];
  }
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (size_t i = 0; i < channels.size(); ++i) {
    spec.out_channels = channels[i];
    spec.kernel = last(topology_.kernels[i], dimensions_);
    spec.stride = last(topology_.strides[i], dimensions_);
    const int64_t count = blocks_of(options, i);
    if (options.residual) {
      stages_.push_back(std::make_shared<unet_encoder::ResidualStage>(count, spec));
    } else {
      stages_.push_back(std::make_shared<unet_encoder::PlainStage>(count, spec));
    }
    children.push_back(stages_.back());
    spec.in_channels = channels[i];
    const Layout layout = dimensions_ == 2 ? Layout::Grid : Layout::Volume;
    sites_.push_back(
        add_site({text("stages.", i, ".output"), SiteKind::Stream, layout, channels[i], channels[i], 1, {}}));
  }
  register_module("stages", nn::make_list(children));
}

void UnetEncoder::describe(const std::vector<int64_t>& channels, const Size3& patch) {
  std::array<double, 3> stride{1, 1, 1};
  for (size_t i = 0; i < channels.size(); ++i) {
    FeatureSpec spec;
    spec.name = text("stage.", i);
    spec.channels = channels[i];
    for (size_t axis = 0; axis < 3; ++axis) stride[axis] *= static_cast<double>(topology_.strides[i][axis]);
    spec.stride = stride;
    spec.frame = {static_cast<double>(patch[1]), static_cast<double>(patch[2])};
    spec.kernel = topology_.kernels[i];
    spec.folded = dimensions_ == 2;
    features_.push_back(spec);
  }
}

void UnetEncoder::settle(Shape image) {
  static constexpr const char* kAxes[] = {"z", "y", "x"};
  for (size_t axis = 0; axis < 3; ++axis) {
    const auto factor = static_cast<int64_t>(features_.back().stride[axis]);
    if (image.size[axis] % factor == 0) continue;
    throw ConfigError(text("train.patch: ", image.size[axis], " along ", kAxes[axis], " is not divisible by ", factor,
                           ", the product of the encoder's strides; take ", (image.size[axis] / factor + 1) * factor));
  }
}

torch::Tensor UnetEncoder::visit(size_t stage, torch::Tensor features, const Axes& axes, Scene& scene) const {
  const SiteId site = sites_[stage];
  if (!occupied(site)) return features;
  if (dimensions_ == 3) return through(site, features, features, axes, scene);
  Axes grid = axes;
  grid.height = features.size(2);
  grid.width = features.size(3);
  const torch::Tensor last_channels = features.permute({0, 2, 3, 1});  // [B*D, h, w, C]
  return through(site, last_channels, last_channels, grid, scene).permute({0, 3, 1, 2});
}

Features UnetEncoder::encode(const torch::Tensor& image, const NameSet& wanted, Scene& scene) {
  nn::require_shape(image, {nn::kAny, nn::kAny, nn::kAny, nn::kAny, nn::kAny}, "the encoder's image");
  Axes axes;
  axes.batch = image.size(0);
  axes.depth = image.size(2);
  torch::Tensor x = nn::lay_out(dimensions_ == 2 ? nn::fold_depth(image) : image, format_);
  if (stem_) x = stem_->forward(x);
  Features features;
  for (size_t i = 0; i < stages_.size(); ++i) {
    x = visit(i, stages_[i]->forward(x), axes, scene);
    if (wanted.contains(features_[i].name)) features.set(features_[i].name, x);
  }
  return features;
}

}  // namespace lamina
