#include "engine/segment/slice_pictures.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <torch/utils.h>

namespace lamina::engine {
namespace {

constexpr int64_t kSampled = 4'000'000;  // voxels are enough to know percentiles by
constexpr const char* kAxes[] = {"z", "y", "x"};

bool is_colour(const torch::Tensor& voxels) {
  return voxels.size(0) >= 3 && voxels.min().item<float>() >= 0 && voxels.max().item<float>() <= 255;
}

double percentile(std::vector<float>& values, double percent) {
  const auto at = static_cast<std::ptrdiff_t>(std::lround(percent / 100 * static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

std::array<double, 2> levels_of(const torch::Tensor& voxels, const GreyWindow& window) {
  if (window.window) {
    const auto& [centre, width] = *window.window;
    return {centre - width / 2, centre + width / 2};
  }
  const torch::Tensor flat = voxels.flatten();
  const int64_t step = std::max<int64_t>(1, flat.numel() / kSampled);
  const torch::Tensor some = flat.slice(0, 0, flat.numel(), step).to(torch::kFloat32).contiguous();
  std::vector<float> values(some.data_ptr<float>(), some.data_ptr<float>() + some.numel());
  return {percentile(values, window.percentiles[0]), percentile(values, window.percentiles[1])};
}

void check(const GreyWindow& window) {
  if (window.window && !((*window.window)[1] > 0))
    throw ConfigError(text("--window: a width of ", (*window.window)[1], "; expected centre,width with width > 0"));
  const auto& [low, high] = window.percentiles;
  if (!(low >= 0 && low < high && high <= 100))
    throw ConfigError(text("--percentiles: got ", low, ",", high, "; expected two shares 0 <= low < high <= 100"));
}

}  // namespace

std::string to_text(const GreyWindow& window) {
  const auto& pair = window.window ? *window.window : window.percentiles;
  return text(window.window ? "window " : "percentiles ", pair[0], ",", pair[1],
              window.neighbours ? ", neighbours" : "");
}

SlicePictures::SlicePictures(Volume volume, const GreyWindow& window)
    : volume_(std::move(volume)), window_(window), colour_(is_colour(volume_.voxels)) {
  check(window);
  if (colour_) return;
  const auto levels = levels_of(volume_.voxels[0], window);
  low_ = levels[0];
  high_ = levels[1];
}

torch::Tensor SlicePictures::grey(int axis, int64_t index) const {
  const torch::Tensor plane = volume_.voxels[0].select(axis, index).to(torch::kFloat32);
  const double span = std::max(high_ - low_, 1e-12);
  return ((plane - low_) / span).clamp(0, 1).mul(255).round().to(torch::kUInt8);
}

torch::Tensor SlicePictures::picture(int axis, int64_t index) const {
  if (index < 0 || index >= count(axis)) {
    throw ConfigError(text("there is no slice ", index, " along ", kAxes[axis], "; the image has slices 0 to ",
                           count(axis) - 1, " there"));
  }
  if (colour_) return volume_.voxels.slice(0, 0, 3).select(1 + axis, index).round().to(torch::kUInt8).contiguous();
  if (!window_.neighbours) return grey(axis, index).unsqueeze(0).repeat({3, 1, 1});
  const auto near = [&](int64_t i) { return grey(axis, std::clamp<int64_t>(i, 0, count(axis) - 1)); };
  return torch::stack({near(index - 1), near(index), near(index + 1)});
}

int axis_of(const std::string& name) {
  for (int axis = 0; axis < 3; ++axis) {
    if (name == kAxes[axis]) return axis;
  }
  throw ConfigError(text("there is no axis '", name, "'; expected z, y or x"));
}

}  // namespace lamina::engine
