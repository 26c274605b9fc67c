// The slices of a case among the rows of a network that works on slices.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/depth_rows.hpp>
#include <lamina/nn/depthwise_conv.hpp>
#include <lamina/nn/shape_check.hpp>

#include <vector>

namespace lamina {

void require_depth_axis(const HostInfo& host) {
  if (host.prompts.kinds.empty() || host.prompts.queries > 0) return;
  throw ConfigError(
      "mixing along depth needs the same prompts on every slice, but this prompter makes a number that differs from "
      "slice to slice");
}

void require_depth_rows(const torch::Tensor& input, const SiteCall& call) {
  const Axes& axes = call.axes;
  if (axes.queries == 0)
    throw Error(
        text("the adapter at '", call.site.path, "': prompts that differ from slice to slice have no depth axis"));
  std::vector<int64_t> expected(call.site.layout == Layout::Grid ? 4 : 3, nn::kAny);
  expected[0] = axes.batch * axes.depth * axes.queries * axes.windows;
  nn::require_shape(input, expected, text("the adapter's input at '", call.site.path, "'"));
}

torch::Tensor depth_beside_plane(const torch::Tensor& grid, const Axes& axes) {
  return grid.unflatten(0, {axes.batch, axes.depth, axes.queries * axes.windows}).transpose(1, 2).flatten(0, 1);
}

torch::Tensor depth_back(const torch::Tensor& volume, const Axes& axes) {
  return volume.unflatten(0, {axes.batch, axes.queries * axes.windows}).transpose(1, 2).flatten(0, 2);
}

torch::nn::Conv3d make_depth_conv(int64_t channels, const std::array<int64_t, 3>& kernel, bool depthwise) {
  auto options = torch::nn::Conv3dOptions(channels, channels, {kernel[0], kernel[1], kernel[2]});
  // One statement each: torch's setter for padding hands back a copy, so what is chained to it is lost.
  options.groups(depthwise ? channels : 1);
  options.padding(torch::ExpandingArray<3>({(kernel[0] - 1) / 2, (kernel[1] - 1) / 2, (kernel[2] - 1) / 2}));
  return torch::nn::Conv3d(options);
}

torch::Tensor convolve_depth(const torch::nn::Conv3d& conv, const torch::Tensor& volume) {
  if (conv->options.groups() == volume.size(-1)) return nn::depthwise_conv3d(volume, conv->weight, conv->bias);
  return conv.ptr()->forward(volume.permute({0, 4, 1, 2, 3})).permute({0, 2, 3, 4, 1});
}

}  // namespace lamina
