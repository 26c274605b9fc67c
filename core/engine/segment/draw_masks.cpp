#include "engine/segment/draw_masks.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <torch/nn/functional/pooling.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

using Colour = std::array<double, 3>;

/// The palette of the reports: told apart by the colour-blind, too.
constexpr std::array<Colour, 7> kColours{
    {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {204, 121, 167}, {230, 159, 0}, {86, 180, 233}, {240, 228, 66}}};
constexpr Colour kObject{0, 255, 0}, kBackground{255, 0, 0}, kWhite{255, 255, 255};
constexpr double kTint = 0.45;

void tint(torch::Tensor& picture, const torch::Tensor& where, const Colour& colour, double share) {
  for (int64_t channel = 0; channel < 3; ++channel) {
    const torch::Tensor plane = picture[channel];
    plane.copy_(torch::where(where, plane * (1 - share) + colour[static_cast<size_t>(channel)] * share, plane));
  }
}

/// Pixels of the mask within `width` of its border.
torch::Tensor outline(const torch::Tensor& mask, int64_t width) {
  const torch::Tensor outside = mask.logical_not().to(torch::kFloat32).unsqueeze(0).unsqueeze(0);
  const torch::Tensor grown = torch::max_pool2d(outside, 2 * width + 1, 1, width)[0][0] > 0.5;
  return mask.logical_and(grown);
}

/// Distance of every pixel from (x, y).
torch::Tensor distance_from(double x, double y, int64_t height, int64_t width) {
  const torch::Tensor rows = torch::arange(height, torch::kFloat32) - y;
  const torch::Tensor columns = torch::arange(width, torch::kFloat32) - x;
  return (rows.square().unsqueeze(1) + columns.square().unsqueeze(0)).sqrt();
}

void draw_points(torch::Tensor& picture, const Prompts& prompts, double radius) {
  if (!prompts.points.defined()) return;
  const torch::Tensor points = prompts.points.flatten(0, 1).to(torch::kFloat64),
                      labels = prompts.point_labels.flatten();
  for (int64_t i = 0; i < points.size(0); ++i) {
    const auto label = labels[i].item<int64_t>();
    if (label < 0) continue;
    const torch::Tensor far =
        distance_from(points[i][0].item<double>(), points[i][1].item<double>(), picture.size(1), picture.size(2));
    tint(picture, far <= radius + 1.5, kWhite, 1);
    tint(picture, far <= radius, label > 0 ? kObject : kBackground, 1);
    if (label == 0) tint(picture, far <= radius / 2, kWhite, 1);
  }
}

void draw_boxes(torch::Tensor& picture, const Prompts& prompts, int64_t thickness) {
  if (!prompts.boxes.defined()) return;
  const int64_t height = picture.size(1), width = picture.size(2);
  for (int64_t i = 0; i < prompts.boxes.size(0); ++i) {
    const auto side = [&](int64_t k, int64_t last) {
      return std::clamp<int64_t>(std::lround(prompts.boxes[i][k].item<double>()), 0, last);
    };
    torch::Tensor inside = torch::zeros({height, width}, torch::kBool);
    inside.slice(0, side(1, height - 1), side(3, height - 1) + 1)
        .slice(1, side(0, width - 1), side(2, width - 1) + 1)
        .fill_(true);
    tint(picture, outline(inside, thickness), kWhite, 1);
  }
}

}  // namespace

torch::Tensor draw_masks(const torch::Tensor& rgb, const std::vector<torch::Tensor>& masks, const Prompts& prompts) {
  const torch::NoGradGuard no_grad;
  torch::Tensor picture = rgb.to(torch::kFloat32).clone();
  const int64_t longer = std::max(rgb.size(1), rgb.size(2)), line = std::max<int64_t>(1, longer / 500);
  for (size_t i = 0; i < masks.size(); ++i) {
    const Colour& colour = kColours[i % kColours.size()];
    tint(picture, masks[i], colour, kTint);
    tint(picture, outline(masks[i], line), colour, 1);
  }
  draw_boxes(picture, prompts, line);
  draw_points(picture, prompts, std::max(2.0, static_cast<double>(longer) / 150));
  return picture.permute({1, 2, 0}).round().clamp(0, 255).to(torch::kUInt8).contiguous();
}

}  // namespace lamina::engine
