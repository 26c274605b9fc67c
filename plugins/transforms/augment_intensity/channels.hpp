// What intensity augmentations share: they change copies of single channels and leave labels alone.
#pragma once

#include <lamina/base/random.hpp>
#include <lamina/data/case.hpp>
#include <lamina/options/binder.hpp>

#include <array>
#include <functional>
#include <string>

namespace lamina::intensity {

/// How often a patch and, within a changed patch, each of its channels is changed.
struct Odds {
  double p, p_channel;
};

/// Replaces channels [D, H, W] of every image by `change(channel, random)`, which leaves its argument as it is.
Case change_channels(Case one, const Odds& odds, Random& random,
                     const std::function<torch::Tensor(const torch::Tensor&, Random&)>& change);

/// As nnU-Net draws factors: half the time below 1 and half above, where `range` has both sides.
double draw_factor(const std::array<double, 2>& range, Random& random);

/// Reports a range whose first number is the larger one.
void check_range(const std::array<double, 2>& range, OptionErrors& errors, const std::string& where);

}  // namespace lamina::intensity
