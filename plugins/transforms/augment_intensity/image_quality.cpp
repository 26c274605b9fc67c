// Noise, blur and low resolution: worse images of the same anatomy.
#include "image_quality.hpp"

#include <lamina/nn/random_tensor.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>

namespace lamina {

void RandomNoiseOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("p_channel", p_channel, "probability for each channel of a changed patch", Range{0, 1});
  o.field("sd", sd, "standard deviations between which the noise's is drawn", AtLeast{0});
}

void RandomNoiseOptions::check(OptionErrors& errors, const std::string& where) const {
  intensity::check_range(sd, errors, where + ".sd");
}

RandomNoise::RandomNoise(const Options& options, const TransformContext&) : options_(options) {}

Case RandomNoise::apply(Case one, Random& random) const {
  return intensity::change_channels(std::move(one), {options_.p, options_.p_channel}, random,
                                    [&](const torch::Tensor& channel, Random& draw) {
                                      const double sd = draw.uniform(options_.sd[0], options_.sd[1]);
                                      auto noise = at::empty_like(channel, at::MemoryFormat::Contiguous);
                                      noise.normal_(0, sd, nn::make_generator(draw));
                                      return noise.add_(channel);
                                    });
}

void RandomBlurOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("p_channel", p_channel, "probability for each channel of a changed patch", Range{0, 1});
  o.field("sigma", sigma, "widths in voxels between which each axis draws its own", Range{0.01, 100});
}

void RandomBlurOptions::check(OptionErrors& errors, const std::string& where) const {
  intensity::check_range(sigma, errors, where + ".sigma");
}

RandomBlur::RandomBlur(const Options& options, const TransformContext&) : options_(options) {}

torch::Tensor RandomBlur::smooth(const torch::Tensor& channel, int64_t axis, double sigma) {
  const int64_t size = channel.size(axis);
  const int64_t radius = std::min<int64_t>(size - 1, std::max<int64_t>(1, std::llround(3 * sigma - 0.25)));
  if (radius == 0) return channel;
  std::vector<double> kernel;
  for (int64_t offset = -radius; offset <= radius; ++offset) {
    kernel.push_back(std::exp(-0.5 * static_cast<double>(offset * offset) / (sigma * sigma)));
  }
  double sum = 0;
  for (const double weight : kernel) sum += weight;
  std::vector<int64_t> reflected;  // ... 2 1 | 0 1 2 ... | n-2 n-3 ...
  for (int64_t i = -radius; i < size + radius; ++i)
    reflected.push_back(i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i);
  const auto padded = channel.index_select(axis, at::tensor(reflected));
  auto result = padded.narrow(axis, radius, size) * (kernel[radius] / sum);
  for (int64_t offset = 1; offset <= radius; ++offset) {
    const double weight = kernel[radius + offset] / sum;
    result.add_(padded.narrow(axis, radius - offset, size), weight);
    result.add_(padded.narrow(axis, radius + offset, size), weight);
  }
  return result;
}

Case RandomBlur::apply(Case one, Random& random) const {
  return intensity::change_channels(
      std::move(one), {options_.p, options_.p_channel}, random, [&](torch::Tensor channel, Random& draw) {
        for (int64_t axis = 0; axis < 3; ++axis) {
          channel = smooth(channel, axis, draw.uniform(options_.sigma[0], options_.sigma[1]));
        }
        return channel;
      });
}

void RandomLowResolutionOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("p_channel", p_channel, "probability for each channel of a changed patch", Range{0, 1});
  o.field("range", range, "factors between which the coarser size is drawn", Range{0.01, 1});
  o.field("in_plane", in_plane,
          "whether z keeps its voxels: auto does so for patches of one slice or more than 3 times wider than deep",
          OneOf{"auto", "always", "never"});
}

void RandomLowResolutionOptions::check(OptionErrors& errors, const std::string& where) const {
  intensity::check_range(range, errors, where + ".range");
}

RandomLowResolution::RandomLowResolution(const Options& options, const TransformContext& context)
    : options_(options), in_plane_(options.in_plane == "always") {
  const Size3& patch = context.patch;
  if (options.in_plane == "auto") in_plane_ = patch[0] == 1 || std::max(patch[1], patch[2]) > 3 * patch[0];
}

torch::Tensor RandomLowResolution::coarsen(const torch::Tensor& channel, double factor) const {
  const auto coarse = [&](int64_t size) {
    return std::max<int64_t>(1, static_cast<int64_t>(std::nearbyint(factor * static_cast<double>(size))));
  };
  const int64_t depth = channel.size(0), height = channel.size(1), width = channel.size(2);
  if (in_plane_) {  // slices as images of one channel
    const auto low = at::_upsample_nearest_exact2d(channel.unsqueeze(1), {coarse(height), coarse(width)});
    return at::upsample_bilinear2d(low, {height, width}, false).squeeze(1);
  }
  const auto low = at::_upsample_nearest_exact3d(channel.view({1, 1, depth, height, width}),
                                                 {coarse(depth), coarse(height), coarse(width)});
  return at::upsample_trilinear3d(low, {depth, height, width}, false).view({depth, height, width});
}

Case RandomLowResolution::apply(Case one, Random& random) const {
  return intensity::change_channels(std::move(one), {options_.p, options_.p_channel}, random,
                                    [&](const torch::Tensor& channel, Random& draw) {
                                      const double factor = draw.uniform(options_.range[0], options_.range[1]);
                                      return coarsen(channel.contiguous(), factor);
                                    });
}

}  // namespace lamina
