// Reductions of sorted distances; the conventions are those of docs/metrics.md.
#include "surface.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace lamina {
namespace {

using surface::SurfaceDistances;
using Values = std::vector<double>;

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double sum(const Values& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double mean(const Values& values) { return sum(values) / static_cast<double>(values.size()); }

/// Linear between order statistics, index share * (n - 1).
double percentile(const Values& sorted, double share) {
  const double index = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(index);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (index - static_cast<double>(below));
}

/// The smallest distance up to which `share` of the surface lies; no interpolation.
double weighted_percentile(const Values& sorted, const Values& sizes, double share) {
  const double total = sum(sizes);
  double so_far = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    so_far += sizes[i];
    if (so_far / total >= share) return sorted[i];
  }
  return sorted.back();
}

Values pooled(const SurfaceDistances& distances) {
  Values both(distances.to_reference.size() + distances.to_prediction.size());
  std::merge(distances.to_reference.begin(), distances.to_reference.end(), distances.to_prediction.begin(),
             distances.to_prediction.end(), both.begin());
  return both;
}

/// How many of the distances, or how much of the surface where sizes are given, is within the tolerance.
double within(const Values& sorted, const Values& sizes, double tolerance) {
  const auto count = std::upper_bound(sorted.begin(), sorted.end(), tolerance) - sorted.begin();
  return sizes.empty() ? static_cast<double>(count) : std::accumulate(sizes.begin(), sizes.begin() + count, 0.0);
}

double extent(const Values& distances, const Values& sizes) {
  return sizes.empty() ? static_cast<double>(distances.size()) : sum(sizes);
}

}  // namespace

double SurfaceMetric::worst() const { return kUndefined; }

double SurfaceMetric::one_is_empty() const { return kUndefined; }

std::vector<Score> SurfaceMetric::measure(const Volume& prediction, const Case& reference, Scratch& scratch) const {
  std::vector<Score> scores;
  for (const auto& region : class_regions(prediction, reference, classes_, scratch)) {
    Score score{region.class_id, kUndefined, region.counts};
    const bool predicted = region.counts.predicted > 0, present = region.counts.reference > 0;
    if (predicted != present) score.value = one_is_empty();
    if (predicted && present) {
      score.value = value(surface_distances(prediction, reference, region, border(), scratch), region.class_id);
    }
    scores.push_back(score);
  }
  return scores;
}

double Hausdorff::value(const SurfaceDistances& distances, int64_t) const {
  return std::max(distances.to_reference.back(), distances.to_prediction.back());
}

surface::Border Hausdorff95::border() const {
  return options_.method == "area_weighted" ? surface::Border::Elements : surface::Border::Voxels;
}

double Hausdorff95::value(const SurfaceDistances& distances, int64_t) const {
  constexpr double kShare = 0.95;
  if (options_.method == "pooled") return percentile(pooled(distances), kShare);
  if (options_.method == "area_weighted") {
    return std::max(weighted_percentile(distances.to_reference, distances.predicted_sizes, kShare),
                    weighted_percentile(distances.to_prediction, distances.reference_sizes, kShare));
  }
  return std::max(percentile(distances.to_reference, kShare), percentile(distances.to_prediction, kShare));
}

SurfaceDice::SurfaceDice(const Options& options, const Context& context) : SurfaceMetric(context), options_(options) {
  const size_t given = options.class_tolerances_mm.size();
  if (given != 0 && static_cast<int64_t>(given) != context.classes - 1) {
    throw ConfigError(text("metric nsd: class_tolerances_mm has ", given, " values, but there are ",
                           context.classes - 1, " foreground classes; give one per class or use tolerance_mm"));
  }
}

surface::Border SurfaceDice::border() const {
  return options_.by == "areas" ? surface::Border::Elements : surface::Border::Voxels;
}

double SurfaceDice::value(const SurfaceDistances& distances, int64_t class_id) const {
  const auto& single = options_.class_tolerances_mm;
  const double tolerance = single.empty() ? options_.tolerance_mm : single[static_cast<size_t>(class_id - 1)];
  const double near = within(distances.to_reference, distances.predicted_sizes, tolerance) +
                      within(distances.to_prediction, distances.reference_sizes, tolerance);
  return near / (extent(distances.to_reference, distances.predicted_sizes) +
                 extent(distances.to_prediction, distances.reference_sizes));
}

double AverageSurfaceDistance::value(const SurfaceDistances& distances, int64_t) const {
  return (sum(distances.to_reference) + sum(distances.to_prediction)) /
         static_cast<double>(distances.to_reference.size() + distances.to_prediction.size());
}

double MeanAverageSurfaceDistance::value(const SurfaceDistances& distances, int64_t) const {
  return (mean(distances.to_reference) + mean(distances.to_prediction)) / 2;
}

}  // namespace lamina
