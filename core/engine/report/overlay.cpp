// Draws cases.
#include "engine/report/overlay.hpp"

#include "engine/report/class_scores.hpp"
#include "engine/report/data_uri.hpp"

#include <lamina/io/volume_io.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include <torch/nn/functional/upsampling.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

namespace F = torch::nn::functional;

constexpr std::array<double, 3> kReferenceColour{0.34, 0.71, 0.91}, kPredictionColour{1.0, 0.62, 0.0};
constexpr double kLongSide = 320;  // pixels of the picture
constexpr int64_t kMargin = 8;     // voxels around the structures, at least

/// Rows and columns of a slice that are shown.
struct Window {
  int64_t top, left, height, width;
  torch::Tensor of(const torch::Tensor& plane) const { return plane.narrow(-2, top, height).narrow(-1, left, width); }
};

/// First and last index with a true element; the whole length where there is none.
std::pair<int64_t, int64_t> span_of(const torch::Tensor& line) {
  const torch::Tensor hits = line.nonzero();
  if (hits.numel() == 0) return {0, line.size(0) - 1};
  const int64_t first = hits.min().item<int64_t>(), last = hits.max().item<int64_t>();
  const int64_t margin = std::max(kMargin, (last - first) / 3);
  return {std::max<int64_t>(0, first - margin), std::min(line.size(0) - 1, last + margin)};
}

Window window_around(const torch::Tensor& structures) {
  const auto [top, bottom] = span_of(structures.any(1));
  const auto [left, right] = span_of(structures.any(0));
  return {top, left, bottom - top + 1, right - left + 1};
}

/// Grey levels 0 ... 1 from the 1st to the 99.5th percentile; three channels are taken for colours.
torch::Tensor to_colours(const torch::Tensor& plane) {  // [C, h, w]
  const torch::Tensor chosen = (plane.size(0) == 3 ? plane : plane.narrow(0, 0, 1)).to(torch::kFloat32);
  const torch::Tensor sorted = std::get<0>(chosen.flatten().sort());
  const auto at = [&](double share) {
    return sorted[static_cast<int64_t>(share * static_cast<double>(sorted.numel() - 1))].item<double>();
  };
  const double low = at(0.01), high = std::max(at(0.995), low + 1e-6);
  return ((chosen - low) / (high - low)).clamp(0, 1).expand({3, -1, -1});
}

torch::Tensor enlarge(const torch::Tensor& planes, std::vector<int64_t> size, bool smooth) {  // [C, h, w]
  auto options = F::InterpolateFuncOptions().size(std::move(size));
  if (smooth) {
    options.mode(torch::kBilinear).align_corners(false);
  } else {
    options.mode(torch::kNearest);
  }
  return F::interpolate(planes.unsqueeze(0).to(torch::kFloat32), options).squeeze(0);
}

/// Pixels whose right or lower neighbour has another label.
torch::Tensor contour(const torch::Tensor& labels) {  // [h, w]
  torch::Tensor edge = torch::zeros_like(labels, torch::kBool);
  const int64_t h = labels.size(0), w = labels.size(1);
  edge.narrow(0, 0, h - 1).logical_or_(labels.narrow(0, 0, h - 1) != labels.narrow(0, 1, h - 1));
  edge.narrow(1, 0, w - 1).logical_or_(labels.narrow(1, 0, w - 1) != labels.narrow(1, 1, w - 1));
  return edge;
}

torch::Tensor widened(const torch::Tensor& mask, int64_t width) {
  const auto grown = torch::max_pool2d(mask.to(torch::kFloat32).unsqueeze(0).unsqueeze(0), width, 1, width / 2);
  return grown.squeeze(0).squeeze(0) > 0.5;
}

void paint(torch::Tensor picture, const torch::Tensor& mask, const std::array<double, 3>& colour) {
  for (int64_t channel = 0; channel < 3; ++channel) {
    picture[channel].masked_fill_(mask.narrow(0, 0, picture.size(1)).narrow(1, 0, picture.size(2)), colour[channel]);
  }
}

void tint(torch::Tensor picture, const torch::Tensor& mask, const std::array<double, 3>& colour, double depth) {
  for (int64_t channel = 0; channel < 3; ++channel) {
    const torch::Tensor plane = picture[channel];
    plane.copy_(torch::where(mask, plane * (1 - depth) + colour[channel] * depth, plane));
  }
}

/// True on diagonal stripes, three pixels wide and three apart.
torch::Tensor stripes(int64_t height, int64_t width) {
  return (torch::arange(height).unsqueeze(1) + torch::arange(width).unsqueeze(0)).remainder(6) < 3;
}

std::string png_uri(const torch::Tensor& picture) { return data_uri("image/png", encode_png(picture)); }

/// Mirrors the picture so that the patient's right is on the left and anterior is up, where the axes are aligned.
torch::Tensor radiological(torch::Tensor picture, const Geometry& geometry) {
  const auto& direction = geometry.direction;  // rows L, P, S; columns x, y, z
  std::vector<int64_t> flipped;
  if (direction[4] < -0.7) flipped.push_back(1);
  if (direction[0] < -0.7) flipped.push_back(2);
  return flipped.empty() ? picture : picture.flip(flipped);
}

struct Ranked {
  std::string id;
  double value;
};

/// From worst to best; cases without a value are left out.
std::vector<Ranked> ranked_cases(const RunData& run, const MetricInfo& metric) {
  std::vector<Ranked> all;
  for (const auto& [id, value] : case_means(run.rows, metric.name)) {
    if (!std::isnan(value)) all.push_back({id, value});
  }
  std::stable_sort(all.begin(), all.end(), [&](const Ranked& a, const Ranked& b) {
    return metric.higher_is_better ? a.value < b.value : a.value > b.value;
  });
  return all;
}

Overlay overlay_of(const std::string& role, const Ranked& chosen, const RunData& run, const Dataset& dataset) {
  Overlay overlay{role, chosen.id, 0, 1, chosen.value, "", ""};
  try {
    const Case one = dataset.load(chosen.id, WithLabels::Yes);
    const Volume prediction = read_labels(run.folder.predictions() / (chosen.id + ".nii.gz"));
    overlay.slice = slice_of_interest(one.labels.primary().voxels, prediction.voxels);
    overlay.slices = prediction.voxels.size(1);
    overlay.image = png_uri(draw_overlay(one, prediction, overlay.slice));
  } catch (const Error& error) {
    overlay.problem = error.what();
  }
  return overlay;
}

/// The first seed and fold that both have finished; null where there is none.
std::pair<const RunData*, const RunData*> runs_to_compare(const ArmData& reference, const ArmData& arm) {
  for (const auto* before : reference.done()) {
    for (const auto* after : arm.done()) {
      if (before != after && before->seed == after->seed && before->fold == after->fold) return {before, after};
    }
  }
  return {nullptr, nullptr};
}

void draw_pair(OverlayPair& pair, const RunData& before, const RunData& after, const Dataset& dataset) {
  const std::string& id = pair.before.case_id;
  try {
    const Case one = dataset.load(id, WithLabels::Yes);
    const Volume left = read_labels(before.folder.predictions() / (id + ".nii.gz"));
    const Volume right = read_labels(after.folder.predictions() / (id + ".nii.gz"));
    for (Overlay* overlay : {&pair.before, &pair.after}) {
      overlay->slice = slice_of_interest(left.voxels, right.voxels);
      overlay->slices = left.voxels.size(1);
    }
    pair.before.image = png_uri(draw_overlay(one, left, pair.before.slice, &right));
    pair.after.image = png_uri(draw_overlay(one, right, pair.after.slice, &left));
  } catch (const Error& error) {
    pair.before.problem = pair.after.problem = error.what();
  }
}

}  // namespace

int64_t slice_of_interest(const torch::Tensor& reference, const torch::Tensor& prediction) {
  const torch::Tensor wrong = (reference != prediction).sum({0, 2, 3});
  const torch::Tensor counts = wrong.max().item<int64_t>() > 0 ? wrong : (reference > 0).sum({0, 2, 3});
  return counts.argmax().item<int64_t>();
}

torch::Tensor draw_overlay(const Case& one, const Volume& prediction, int64_t slice, const Volume* beside) {
  const torch::NoGradGuard no_grad;
  const Volume& image = one.images.primary();
  const torch::Tensor reference = one.labels.primary().voxels[0][slice].to(torch::kInt64);
  const torch::Tensor predicted = prediction.voxels[0][slice].to(torch::kInt64);
  torch::Tensor structures = (reference > 0).logical_or(predicted > 0);
  if (beside) structures = structures.logical_or(beside->voxels[0][slice] > 0);
  const Window window = window_around(structures);
  const auto& spacing = image.geometry.spacing;
  const double height = static_cast<double>(window.height) * spacing[1],
               width = static_cast<double>(window.width) * spacing[2];
  const double scale = kLongSide / std::max(height, width);
  const std::vector<int64_t> size{std::max<int64_t>(8, std::lround(height * scale)),
                                  std::max<int64_t>(8, std::lround(width * scale))};
  torch::Tensor picture = enlarge(window.of(to_colours(image.voxels.select(1, slice))), size, true).clone();
  const auto shown = [&](const torch::Tensor& labels) {
    return enlarge(window.of(labels).unsqueeze(0), size, false)[0];
  };
  const torch::Tensor there = shown(reference), found = shown(predicted), wrong = there != found;
  tint(picture, wrong.logical_and(found > 0), kPredictionColour, 0.4);
  tint(picture, wrong.logical_and(there > 0).logical_and(stripes(size[0], size[1])), kReferenceColour, 0.8);
  paint(picture, widened(contour(there), 3), kReferenceColour);
  paint(picture, contour(found), kPredictionColour);
  return radiological(picture, image.geometry).permute({1, 2, 0}).mul(255).round().to(torch::kUInt8).contiguous();
}

PictureCounts picture_counts(size_t arms) {
  constexpr size_t kMost = 100;
  PictureCounts counts;
  if (3 * arms > kMost) counts.extremes = 1;
  const size_t taken = counts.extremes * arms, left = kMost > taken ? kMost - taken : 0;
  counts.pairs = std::min<size_t>(2, left / std::max<size_t>(1, 2 * arms));
  return counts;
}

std::vector<Overlay> overlays_of(const ArmData& arm, const MetricInfo& metric, const Dataset& dataset, size_t most) {
  const auto runs = arm.done();
  if (runs.empty()) return {};
  const auto cases = ranked_cases(*runs.front(), metric);
  if (cases.empty()) return {};
  if (most == 1) return {overlay_of("worst", cases.front(), *runs.front(), dataset)};
  std::vector<Overlay> overlays{overlay_of("best", cases.back(), *runs.front(), dataset)};
  if (cases.size() > 2) overlays.push_back(overlay_of("median", cases[cases.size() / 2], *runs.front(), dataset));
  if (cases.size() > 1) overlays.push_back(overlay_of("worst", cases.front(), *runs.front(), dataset));
  return overlays;
}

std::vector<OverlayPair> overlay_pairs(const ArmData& arm, const ArmData& reference, const MetricInfo& metric,
                                       const Dataset& dataset, size_t most) {
  const auto [before, after] = runs_to_compare(reference, arm);
  if (!before || !after || most == 0) return {};
  const auto shifts = changes_between(case_means(before->rows, metric.name), case_means(after->rows, metric.name),
                                      metric.higher_is_better);
  std::vector<OverlayPair> pairs;
  const auto add = [&](const CaseChange& shift) {
    OverlayPair pair{shift.gain > 0 ? "gained most" : "lost most",
                     before->seed,
                     {reference.name, shift.id, 0, 1, shift.before, "", ""},
                     {arm.name, shift.id, 0, 1, shift.after, "", ""}};
    draw_pair(pair, *before, *after, dataset);
    pairs.push_back(std::move(pair));
  };
  const bool gained = !shifts.empty() && shifts.back().gain > 0, lost = !shifts.empty() && shifts.front().gain < 0;
  const bool both = gained && lost && most > 1;
  const bool gain_leads = gained && (!lost || shifts.back().gain >= -shifts.front().gain);
  if (gained && (both || gain_leads)) add(shifts.back());
  if (lost && (both || !gain_leads)) add(shifts.front());
  return pairs;
}

}  // namespace lamina::engine
