// Mean 0 and standard deviation 1 for every image and channel.
#include "zscore.hpp"

#include "statistics.hpp"

#include <ATen/ATen.h>

namespace lamina {

void ZscoreOptions::bind(OptionBinder& o) {
  o.field("mask", mask,
          "voxels that count: none, all of them; nonzero, those where some channel is not 0 (holes filled), the others "
          "stay as they are",
          OneOf{"none", "nonzero"});
}

Zscore::Zscore(const Options& options, const TransformContext&) : options_(options) {}

torch::Tensor Zscore::normalize(const torch::Tensor& image) const {
  constexpr double kSmallest = 1e-8;
  const bool masked = options_.mask == "nonzero";
  const auto mask = masked ? normalizing::nonzero_mask(image) : torch::Tensor();
  if (masked && !mask.any().item<bool>()) return image;
  auto result = image.clone();  // once: volumes are large
  for (auto channel : result.unbind(0)) {
    const auto [mean, sd] = normalizing::moments(masked ? channel.masked_select(mask) : channel);
    channel.sub_(mean).div_(std::max(sd, kSmallest));
  }
  return masked ? at::where_out(result, mask, result, image) : result;
}

Case Zscore::apply(Case one, Random&) const {
  for (auto& [stream, volume] : one.images) volume.voxels = normalize(volume.voxels);
  return one;
}

}  // namespace lamina
