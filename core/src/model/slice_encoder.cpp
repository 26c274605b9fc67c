#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/slice_encoder.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/shape_check.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kGrey = 1, kColours = 3;

}  // namespace

void require_slices(const Shape& image, const Size3& patch, int64_t side, const std::string& side_is) {
  if (image.channels != kGrey && image.channels != kColours) {
    throw ConfigError(text("model.encoder: SAM's encoder takes 1 channel (shown as grey) or 3, but the image has ",
                           image.channels,
                           ". Put a stem at encoder.image: conv_stem or project make 3 channels of any number, repeat "
                           "makes 3 of one"));
  }
  static constexpr const char* kAxes[] = {"z", "y", "x"};
  for (const size_t axis : {1, 2}) {
    const int64_t length = image.size[axis];
    if (length % side == 0 && length > 0) continue;
    const bool stem = length != patch[axis];
    throw ConfigError(text("train.patch: ", length, " along ", kAxes[axis], stem ? " (behind the stem)" : "",
                           " is not divisible by ", side_is, "; take ", (length / side + 1) * side));
  }
}

torch::Tensor colour_slices(const torch::Tensor& volume, int64_t height, int64_t width) {
  torch::Tensor slices = nn::fold_depth(volume);
  if (slices.size(1) == kGrey) slices = slices.expand({-1, kColours, -1, -1});
  nn::require_shape(slices, {nn::kAny, kColours, height, width}, "the slices behind the encoder's stem");
  return slices;
}

FeatureSpec slice_feature(const std::string& name, int64_t channels, const Size3& patch,
                          const std::array<int64_t, 2>& grid) {
  FeatureSpec spec;
  spec.name = name;
  spec.channels = channels;
  spec.folded = true;
  for (size_t axis = 0; axis < 2; ++axis) {
    spec.frame[axis] = static_cast<double>(patch[axis + 1]);
    spec.stride[axis + 1] = spec.frame[axis] / static_cast<double>(grid[axis]);
  }
  return spec;
}

bool repeatable(const SiteHost& host, const std::string& prefix) {
  for (SiteId id = 0; id < host.sites().size(); ++id) {
    if (!host.sites()[id].path.starts_with(prefix)) continue;
    const auto& hooks = host.hooks(id);
    if (!std::ranges::all_of(hooks, [](const SiteHook* hook) { return hook->repeatable(); })) return false;
  }
  return true;
}

}  // namespace lamina
