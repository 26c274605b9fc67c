// What intensity augmentations share.
#include "channels.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <vector>

#include <ATen/ATen.h>

namespace lamina::intensity {

Case change_channels(Case one, const Odds& odds, Random& random,
                     const std::function<torch::Tensor(const torch::Tensor&, Random&)>& change) {
  if (!random.chance(odds.p)) return one;
  for (auto& [stream, volume] : one.images) {
    std::vector<torch::Tensor> channels = volume.voxels.unbind(0);
    for (auto& channel : channels) {
      if (random.chance(odds.p_channel)) channel = change(channel, random);
    }
    volume.voxels = at::stack(channels);
  }
  return one;
}

double draw_factor(const std::array<double, 2>& range, Random& random) {
  const bool below = random.chance(0.5);
  if (below && range[0] < 1) return random.uniform(range[0], std::min(1.0, range[1]));
  return random.uniform(std::min(std::max(1.0, range[0]), range[1]), range[1]);
}

void check_range(const std::array<double, 2>& range, OptionErrors& errors, const std::string& where) {
  if (range[0] <= range[1]) return;
  errors.add(where, text("got [", join(range), "], expected the smaller number first"));
}

}  // namespace lamina::intensity
